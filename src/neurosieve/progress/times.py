"""How long jobs take: remembered from run to run in `results/.work/times.json`, and the estimate made of it.

Keys are `<rule>/<name>` and `<rule>`, values seconds: exponential means, in which the last job weighs a half.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

WEIGHT = 0.5


@dataclass
class Mean:
    """A mean of numbers that come one by one."""

    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1

    @property
    def value(self) -> float | None:
        return self.total / self.count if self.count else None


class Times:
    """Last known seconds per job, and the means of the run at hand."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.new: list[tuple[str, float]] = []
        self.rules: dict[str, Mean] = {}
        self.all = Mean()

    def load(self, path: Path) -> None:
        """Read what earlier runs left; a file that is missing or broken holds nothing."""
        self.seconds = _read(path)

    def add(self, rule: str, name: str, seconds: float) -> None:
        """A job has finished."""
        self.rules.setdefault(rule, Mean()).add(seconds)
        self.all.add(seconds)
        self.new += [(key, seconds) for key in dict.fromkeys((f"{rule}/{name}" if name else rule, rule))]

    def save(self, path: Path) -> None:
        """Add this run to the file, as it is now; a file that cannot be written is no error."""
        if not self.new:
            return
        seconds = _read(path)
        for key, value in self.new:
            seconds[key] = round(seconds.get(key, value) * (1 - WEIGHT) + value * WEIGHT, 3)
        self.new = []
        part = path.with_name(f"{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(seconds, indent=1, sort_keys=True) + "\n")
            part.replace(path)
        except OSError:
            with suppress(OSError):
                part.unlink()

    def expected(self, rule: str, name: str = "") -> float | None:
        """Seconds of a job; None where nothing is known.

        This run's mean of the rule comes first (another scale takes another time), scaled to the component where
        earlier runs tell how it compares with its rule; then earlier runs; then this run's mean of all jobs.
        """
        before = self.seconds.get(f"{rule}/{name}") if name else None
        usual = self.seconds.get(rule)
        here = self.rules[rule].value if rule in self.rules else None
        if here is not None:
            return here * before / usual if before is not None and usual else here
        return next((value for value in (before, usual, self.all.value) if value is not None), None)

    def seconds_left(
        self, waiting: Mapping[str, int], running: Iterable[tuple[str, str, float]], cores: int
    ) -> float | None:
        """Estimate: all that remains, shared among the cores; at least the longest job. None if unknown.

        `waiting` counts the jobs not yet started by rule; `running` gives rule, name and seconds so far.
        """
        queue = [(self.expected(rule), count) for rule, count in waiting.items() if count > 0]
        started = [(self.expected(rule, name), elapsed) for rule, name, elapsed in running]
        if any(value is None for value, _ in (*queue, *started)):
            return None
        rest = [max(0.0, (value or 0.0) - elapsed) for value, elapsed in started]
        jobs = len(rest) + sum(count for _, count in queue)
        work = sum(rest) + sum((value or 0.0) * count for value, count in queue)
        return max([work / max(1, min(cores, jobs)), *rest, *(value or 0.0 for value, _ in queue)])


def _read(path: Path) -> dict[str, float]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    numbers = {key: float(value) for key, value in items if isinstance(value, (int, float))}
    return {key: value for key, value in numbers.items() if value >= 0 and math.isfinite(value)}
