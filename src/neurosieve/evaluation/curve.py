"""Statistics of a metric's curve along an axis: `<metric>.<statistic>.<axis>`, per seed and point of the other axes.

`accuracy.spearman.k` is the rank correlation of accuracy with the axis k, `belief.slope.log_n` the least-squares slope
of belief on ln n. `log_` and `sqrt_` before a metric or an axis transform it. The axis is one of a variant's point
(`storage@K=60`) or of the metric's own `at`; curves of fewer than two places (three for correlations) have no value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import polars as pl

from neurosieve.artifacts.metrics import axes_text
from neurosieve.evaluation.claims.axes import parse_axes, parse_point

Curve = tuple[np.ndarray, np.ndarray]
"""Places on the axis and values there, both [places], by place."""
TRANSFORMS: Mapping[str, Callable[[float], float]] = {"log_": math.log, "sqrt_": math.sqrt}


def slope(x: np.ndarray, y: np.ndarray) -> float:
    """Least-squares slope of y on x."""
    centred = x - x.mean()
    return float(centred @ (y - y.mean()) / (centred @ centred))


def r2(x: np.ndarray, y: np.ndarray) -> float:
    """Share of the variance of y that the straight line on x takes; NaN for a constant y."""
    total = float(((y - y.mean()) ** 2).sum())
    return float(np.corrcoef(x, y)[0, 1] ** 2) if total > 0 else math.nan


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Rank correlation; 0 for a constant curve."""
    from scipy.stats import spearmanr

    return 0.0 if np.ptp(y) == 0 else float(spearmanr(x, y).statistic)


def spearman_p(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided p of the rank correlation; 1 for a constant curve."""
    from scipy.stats import spearmanr

    return 1.0 if np.ptp(y) == 0 else float(spearmanr(x, y).pvalue)


def spread(x: np.ndarray, y: np.ndarray) -> float:
    """Largest less smallest value."""
    return float(np.ptp(y))


def area(x: np.ndarray, y: np.ndarray) -> float:
    """Area under the curve, by trapezoids."""
    return float(np.trapezoid(y, x))


STATISTICS: Mapping[str, tuple[Callable[[np.ndarray, np.ndarray], float], int]] = {
    "slope": (slope, 2),
    "r2": (r2, 3),
    "spearman": (spearman, 3),
    "spearman_p": (spearman_p, 3),
    "spread": (spread, 2),
    "area": (area, 2),
}
"""Statistic -> function of a curve, and the places it needs."""


def with_derived(table: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The collected table (`artifacts.metrics.COLLECTED`) with the derived metrics among `names` that it lacks."""
    from neurosieve.evaluation.vocabulary import unit

    found = []
    for name in sorted(set(names) - set(table["metric"].unique())):
        parts = name.split(".", 2)
        if len(parts) == 3 and parts[1] in STATISTICS:
            rows = list(_derived(table, *parts))
            if rows:
                found.append(pl.DataFrame(rows).with_columns(unit=pl.lit(unit(name))))
    if not found:
        return table
    derived = pl.concat(found).select(table.columns).cast(table.schema)
    return pl.concat([table, derived]).sort(table.columns[:8])


def _derived(table: pl.DataFrame, metric: str, statistic: str, axis: str) -> Iterator[dict[str, object]]:
    """Rows of one derived metric, one per curve."""
    known = set(table["metric"].unique())
    base, lift = _transform(metric, known.__contains__)
    function, needed = STATISTICS[statistic]
    curves: dict[tuple[object, ...], list[tuple[float, float, str]]] = {}
    for row in table.filter(pl.col("metric") == base).iter_rows(named=True):
        (variant, own), at = parse_point(row["variant"]), parse_axes(row["at"])
        known_axes = dict(own) | dict(at)
        name, move = _transform(axis, known_axes.__contains__)
        if not _is_finite(known_axes.get(name, "")):
            continue
        rest = axes_text({one: value for one, value in own if one != name})
        key = (
            row["study"],
            f"{variant}@{rest}" if rest else variant,
            row["target"],
            row["seed"],
            row["scale"],
            row["split"],
            axes_text({one: value for one, value in at if one != name}),
        )
        curves.setdefault(key, []).append((move(float(known_axes[name])), lift(row["value"]), row["model"]))
    for (study, variant_, target, seed, scale, split, at_), points in curves.items():
        x, y = (np.array([one[place] for one in sorted(points)], float) for place in (0, 1))
        if len(set(x)) < needed or len(set(x)) < len(x):
            continue
        models = {one[2] for one in points}
        yield {
            "study": study, "variant": variant_, "target": target, "seed": seed, "scale": scale,
            "metric": f"{metric}.{statistic}.{axis}", "split": split, "at": at_, "value": function(x, y),
            "n": len(x), "model": models.pop() if len(models) == 1 else "",
        }  # fmt: skip


def _transform(name: str, known: Callable[[str], bool]) -> tuple[str, Callable[[float], float]]:
    """`sqrt_log_n` -> `n` and the square root of the logarithm; a known name is taken as it is."""
    for prefix, function in TRANSFORMS.items():
        if not known(name) and name.startswith(prefix):
            inner, before = _transform(name.removeprefix(prefix), known)
            return inner, partial(_both, before, function)
    return name, lambda value: value


def _both(first: Callable[[float], float], second: Callable[[float], float], value: float) -> float:
    return second(first(value))


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
