"""Progress in a job's log: the steps that a component logs, as lines, while it works.

`neurosieve log NODE --follow` shows them. Every line begins with `errors.STEP`, so that whoever looks for what a job
died of can tell them from errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from neurosieve.errors import STEP

PACE = 1.0
"""Least seconds between two lines: a component may log a thousand steps a second."""


class Told:
    """Prints rows such as `{"epoch": 3, "loss": 0.2}`: the first at once, then one a second, the last at the end."""

    def __init__(self, out: Callable[[str], None] | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self.out = out or _print
        self.now = now
        self.began = now()
        self.at: float | None = None
        self.held: Mapping[str, Any] | None = None

    def __call__(self, row: Mapping[str, Any]) -> None:
        now = self.now()
        self.held = row
        if self.at is None or now - self.at >= PACE:
            self.at = now
            self.rest()

    def rest(self) -> None:
        """Print the last row, if it was held back."""
        if self.held is not None:
            values = ", ".join(f"{name} {_short(value)}" for name, value in self.held.items())
            self.out(f"{STEP}{self.now() - self.began:.0f} s: {values}")
            self.held = None


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _print(line: str) -> None:
    print(line, flush=True)
