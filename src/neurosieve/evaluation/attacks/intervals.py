"""An attack's AUC with its uncertainty: over rows, over models, or against the spread of retrained models.

`inside` and `outside` are errors: the smallest q at which the interval of level 1 - q lies inside a range, or outside
it. They decide an outcome at any level, so that a correction for many attacks needs no second look at the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from neurosieve.errors import UserError

Pair = tuple[np.ndarray, np.ndarray]
"""Scores of rows that were asked to be forgotten [m] and of rows never trained on [n]; higher: member."""
LEVEL = 0.95


@dataclass(frozen=True)
class Null:
    """What an attack gives where nothing was left: its middle and range."""

    middle: float
    low: float
    high: float


CHANCE = Null(0.5, 0.5, 0.5)


@dataclass(frozen=True)
class Estimate:
    """An AUC and how far it is from any other value, in standard errors, by one of three scales.

    logit, plain: (centre - value there) / `spread`, normal or t with `freedom`. score: (value - other) / the standard
    error that the other value would have with these `units`, as Wilson's interval does: right at the extremes, where
    an estimated standard error vanishes.
    """

    value: float
    centre: float
    spread: float
    scale: Literal["logit", "plain", "score"] = "logit"
    freedom: float = np.inf
    units: tuple[int, ...] = ()

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Lower and upper end, never beyond 0 and 1; they hold the value."""
        from scipy.stats import t

        reach = float(t.ppf(0.5 + level / 2, self.freedom))
        if self.scale == "score":
            low, high = self._root(reach, 0.0, self.value), self._root(-reach, self.value, 1.0)
        else:
            low, high = (self._back(self.centre + side * self.spread) for side in (-reach, reach))
        return min(self.value, low), max(self.value, high)

    def inside(self, low: float, high: float) -> float:
        """Smallest q for which the interval of level 1 - q lies between `low` and `high`; 1 where none does."""
        return self._error(min(self._above(low), -self._above(high)))

    def outside(self, low: float, high: float) -> float:
        """Smallest q for which the interval of level 1 - q lies wholly below `low` or above `high`; 1 where none."""
        return self._error(max(-self._above(low), self._above(high)))

    def _error(self, room: float) -> float:
        from scipy.stats import t

        return float(2 * t.sf(room, self.freedom)) if room > 0 else 1.0

    def _above(self, bound: float) -> float:
        """Standard errors from the bound up to the estimate; infinite where no AUC lies beyond the bound."""
        if not 0 < bound < 1:
            return np.inf if bound <= 0 else -np.inf
        if self.scale == "score":
            return (self.value - bound) / _variance_at(bound, self.units) ** 0.5
        return (self.centre - (logit(bound) if self.scale == "logit" else bound)) / self.spread

    def _root(self, reach: float, low: float, high: float) -> float:
        """The bound between `low` and `high` that the estimate is `reach` standard errors above, by bisection."""
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if self._above(middle) > reach else (low, middle)
        return (low + high) / 2

    def _back(self, value: float) -> float:
        return float(1 / (1 + np.exp(-value)) if self.scale == "logit" else min(max(value, 0.0), 1.0))


def logit(share: float) -> float:
    """Log odds."""
    return float(np.log(share / (1 - share)))


def of_rows(pair: Pair) -> Estimate:
    """AUC that a member scores higher, rows as units: DeLong et al. (1988), on the logit scale.

    The logit keeps few rows honest, where the plain normal interval covers too seldom. Raises UserError where a group
    is empty or a score is not finite.
    """
    return of_components(*components(pair))


def of_wins(wins: np.ndarray) -> Estimate:
    """AUC of one side against another [m, n]: each pair won (1), lost (0) or tied (0.5); m and n are the units."""
    return of_components(wins.mean(1), wins.mean(0))


def of_pairs(wins: np.ndarray) -> Estimate:
    """Share of pairs [n] won, ties counting one half, pairs as units: Wilson's interval."""
    return Estimate(float(wins.mean()), 0.0, 1.0, "score", units=(len(wins),))


def against(pair: Pair, nulls: Sequence[Pair]) -> tuple[Estimate, Null]:
    """AUC of one model beside that of retrained models on the same rows: estimate and null.

    The null is the retrained models' mean, its range where the next one would lie (95 %). The estimate's spread is that
    of the difference to the mean: of rows (DeLong et al. 1988, paired, since the rows are the same) and of models
    (variance between the retrained ones times 1 + 1/k), with the latter's few degrees of freedom (Satterthwaite).
    Raises UserError below 2 retrained models.
    """
    from scipy.stats import t

    if (k := len(nulls)) < 2:
        raise UserError(f"the spread of retrained models needs 2 of them or more, there are {k}")
    own, others = components(pair), [components(null) for null in nulls]
    means = [np.mean([one[side] for one in others], axis=0) for side in (0, 1)]
    apart = [a - b for a, b in zip(own, means, strict=True)]
    rows = sum(float(side.var(ddof=1)) / len(side) if len(side) > 1 else 0.25 for side in apart)  # one row: the most
    areas = np.array([first.mean() for first, _ in others])
    models = float(areas.var(ddof=1)) * (1 + 1 / k)
    least = (0.25 / min(map(len, own))) ** 2  # scores that separate fully in every model still have a width
    variance = rows + max(models, least)
    freedom = variance**2 / (max(models, least) ** 2 / (k - 1))
    value, centre = float(own[0].mean()), float(areas.mean())
    half = float(t.ppf(0.5 + LEVEL / 2, k - 1)) * models**0.5
    null = Null(centre, max(centre - half, 0.0), min(centre + half, 1.0))
    return Estimate(value, value, variance**0.5, "plain", freedom), null


def components(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Per member the share of others below it [m], per other the share of members above it [n]; ties count half."""
    members, others = pair
    if not (len(members) and len(others)):
        raise UserError(f"an attack needs rows of both groups, there are {len(members)} and {len(others)}")
    if not (np.isfinite(members).all() and np.isfinite(others).all()):
        raise UserError("an attack's scores are not finite: the model diverged")
    return _share_below(np.sort(others), members), 1 - _share_below(np.sort(members), others)


def of_components(first: np.ndarray, second: np.ndarray) -> Estimate:
    """AUC from each unit's own share of wins, [m] and [n]: DeLong et al. (1988), on the logit scale.

    Where the groups separate fully, or nearly so, that variance vanishes: where it is below what Hanley and McNeil
    (1982) give half a unit short of the extreme, the score scale is taken, with their variance; for one unit too, as
    when a single row is asked to be forgotten: it has no spread of its own.
    """
    m, n = len(first), len(second)
    area, edge = float(first.mean()), 0.5 / min(m, n)
    variance = sum(float(side.var(ddof=1)) / len(side) if len(side) > 1 else 0.0 for side in (first, second))
    if min(m, n) < 2 or variance < _variance_at(1 - edge, (m, n)) or not edge <= area <= 1 - edge:
        return Estimate(area, 0.0, 1.0, "score", units=(m, n))
    return Estimate(area, logit(area), variance**0.5 / (area * (1 - area)))


def operating_points(
    pair: Pair, rates: Sequence[float], *, resolved_only: bool = True
) -> tuple[float, dict[float, float]]:
    """Best balanced accuracy, and per false-positive rate the true-positive rate at the largest rate below it.

    Both over the points of the ROC curve, without interpolation (Carlini et al. 2022). A rate below 1 / n, with n rows
    never trained on, is not resolvable: it has no entry, unless `resolved_only` is off, as in the reference code.
    """
    members, others = pair
    cuts = np.append(np.inf, np.unique(np.concatenate(pair))[::-1])
    true, false = (1 - np.searchsorted(np.sort(side), cuts, "left") / len(side) for side in (members, others))
    best = float(1 - ((false + 1 - true) / 2).min())
    kept = [rate for rate in rates if rate >= 1 / len(others) or not resolved_only]
    return best, {rate: float(true[false < rate].max()) for rate in kept}


def _share_below(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Share of `ordered` below each value, ties counting one half."""
    left, right = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return (left + right) / (2 * len(ordered))


def _variance_at(area: float, units: tuple[int, ...]) -> float:
    """Variance of an AUC whose true value is `area`: binomial for pairs (n), Hanley and McNeil (1982) for (m, n)."""
    if len(units) == 1:
        return area * (1 - area) / units[0]
    m, n = units
    area = max(area, 1 - area)  # the same from either side
    first, second = area / (2 - area), 2 * area**2 / (1 + area)
    return (area * (1 - area) + (m - 1) * (first - area**2) + (n - 1) * (second - area**2)) / (m * n)
