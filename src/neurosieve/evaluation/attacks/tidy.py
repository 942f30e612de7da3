"""The metric rows of an attack: what `neurosieve.evaluation.evidence` reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from neurosieve.artifacts.metrics import Measure
from neurosieve.evaluation.attacks.intervals import Estimate, Null


def decided(
    attack: str, estimate: Estimate, null: Null, margin: float, n: int, others: int | None, **more: float
) -> Iterator[Measure]:
    """Rows of an attack that decides: the margin lies about the null's middle.

    `n` rows or models are held against `others` without a trace; None: the units are pairs of both.
    """
    low, high = estimate.interval()
    bounds = null.middle - margin, null.middle + margin
    values = {
        "estimate": estimate.value,
        "low": low,
        "high": high,
        "null_low": null.low,
        "null_high": null.high,
        "margin": margin,
        "inside_p": estimate.inside(*bounds),
        "outside_p": estimate.outside(*bounds),
        "others": others if others is not None else n,
        "resolves": resolves(n, others),
        **more,
    }
    return _rows(attack, values, n)


def beside(attack: str, estimate: Estimate, null: Null, n: int, others: int) -> Iterator[Measure]:
    """Rows of an attack whose AUC is shown beside a stronger one and decides nothing."""
    low, high = estimate.interval()
    values = {"estimate": estimate.value, "low": low, "high": high, "null_low": null.low, "null_high": null.high}
    return _rows(attack, {**values, "others": others, "resolves": resolves(n, others)}, n)


def resolves(n: int, others: int | None) -> float:
    """Half-width of the 95 % interval of an AUC near 0.5, at best: 0.57 / sqrt(n) beside many others; of n pairs."""
    return 1.96 * (0.25 / n if others is None else (1 / n + 1 / others) / 12) ** 0.5


def reported(attack: str, values: Sequence[float], null: Sequence[float], n: int) -> Iterator[Measure]:
    """Rows of what is shown beside the attacks and decides nothing: mean and extremes, and those of the null."""
    shown = {"estimate": float(np.mean(values)), "low": min(values), "high": max(values)}
    return _rows(attack, shown | ({"null_low": min(null), "null_high": max(null)} if len(null) else {}), n)


def _rows(attack: str, values: dict[str, float], n: int) -> Iterator[Measure]:
    return (Measure(f"evidence_{name}", float(value), n=n, at={"attack": attack}) for name, value in values.items())
