"""Learning-rate schedules: functions of step (from 0) and number of steps that give a factor on the base rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

Schedule = Callable[[int, int], float]


def constant(step: int, total: int) -> float:
    """Always 1."""
    return 1.0


def warmup_linear(warmup: int, stretch: float = 1.25) -> Schedule:
    """Linear rise over `warmup` steps on top of a linear fall 1 - t / (stretch * total).

    With stretch 1.25 the last step still has a fifth of the base rate; with 1 it ends at 0.
    """
    return lambda step, total: min(1.0, (step + 1) / max(1, warmup)) * (1.0 - step / (stretch * max(1, total)))


def cosine(warmup: int = 0, floor: float = 0.0) -> Schedule:
    """Linear rise over `warmup` steps, then half a cosine from 1 to `floor`."""

    def factor(step: int, total: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / max(1, total - warmup)
        return floor + (1.0 - floor) * 0.5 * (1.0 + math.cos(math.pi * done))

    return factor


def steps(at: Sequence[float] = (0.5, 0.75), factor: float = 0.1) -> Schedule:
    """Multiplied by `factor` after each of these fractions of the training."""
    return lambda step, total: factor ** sum(step >= fraction * total for fraction in at)


def warmup_shifted(warmup: int, stretch: float = 1.25) -> Schedule:
    """(t + 1) / (warmup + 1) over `warmup` steps, then 1 - (t - warmup) / (stretch * total) (Goel et al.)."""

    def factor(step: int, total: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        return 1.0 - (step - warmup) / (stretch * max(1, total))

    return factor
