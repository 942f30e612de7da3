"""Evidence for one compare: intervals and tests over seeds, items or both (CLAIMS.md, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims import forms, statistics, walk
from neurosieve.evaluation.claims.expressions import Expression, Source
from neurosieve.evaluation.claims.quantities import holds
from neurosieve.evaluation.claims.resampling import (
    HIERARCHICAL_FROM,
    Paired,
    pair_items,
    percentile_interval,
    resampled,
    resampled_seeds,
)
from neurosieve.evaluation.claims.scope import Binding, Data
from neurosieve.evaluation.claims.table import Cell, Unclear, Undecided

# Statistics over seeds that are no mean of one number per seed: they have no interval over seeds.
_NOT_SEEDWISE = {"sd", "rms", "sum", "min", "max"}
# Of these an interval over seeds is a bootstrap, where there are seeds enough; ends of a range have none.
_BOOTSTRAPPED, _RANGE_ENDS = {"sd", "rms", "median"}, {"sum", "min", "max"}
_LOG_UNITS = {"s", "1/s"}
_NEAR_BOUND = 0.05

Transform = Callable[[np.ndarray], np.ndarray]


def _logit(values: np.ndarray) -> np.ndarray:
    return np.log(values / (1 - values))


def _same(values: np.ndarray) -> np.ndarray:
    return values


_TRANSFORMS: dict[str, Transform] = {"difference": _same, "ratio": np.log, "odds": _logit}


@dataclass(frozen=True)
class Sides:
    """Both sides of a compare, resolved.

    `bounds`: what left must lie above (+1) or below (−1), one for a one-sided compare, two for `within` and
    `between`. `seeds`: those of all that is drawn; `drawn` is false where nothing is.
    """

    left: Expression
    rights: list[Expression]
    bounds: list[tuple[int, Expression]]
    seeds: tuple[int, ...]
    right_seeds: tuple[int, ...]
    drawn: bool
    values: tuple[float, list[float]]
    chosen: str
    pooled: str

    @property
    def cells(self) -> list[Cell]:
        """Every cell of both sides, once."""
        return list(dict.fromkeys(cell for side in (self.left, *self.rights) for cell, _ in side.cells()))

    @property
    def seedwise(self) -> bool:
        """Each seed is one number whose mean is compared, so that an interval over seeds means something."""
        return not any(over in _NOT_SEEDWISE for side in (self.left, *self.rights) for _, over in side.cells())

    @property
    def nearest(self) -> int:
        """Which right a difference is shown against: the nearer one of `between`."""
        left, rights = self.values
        return min(range(len(rights)), key=lambda place: abs(left - rights[place]))


def is_unpaired(compare: forms.Compare) -> bool:
    """`welch` alone compares seeds that are not paired."""
    return isinstance(compare.confidence, forms.Test) and compare.confidence.test == "welch"


def metric_of(quantity: Any, each: Mapping[str, str]) -> str:
    """The metric a quantity reads first ("" for a constant), `each` replaced by the one that is bound."""
    leaf = next((leaf for _, leaf in walk.quantity_leaves(quantity)), None)
    if leaf is None:
        return ""
    return each.get("metric", leaf.metric) if leaf.metric == forms.EACH else leaf.metric


class Evidence:
    """Intervals and tests of one compare; `key` is the text its resamples are drawn from."""

    def __init__(self, compare: forms.Compare, sides: Sides, binding: Binding, data: Data, key: str) -> None:
        self.compare = compare
        self.sides = sides
        self.data = data
        self.key = key
        self.units = compare.confidence.units if compare.confidence else "seeds"
        self.unpaired = is_unpaired(compare)
        self.seed_bound = binding.seed is not None
        self.metric = metric_of(compare.left, binding.each)
        self.left = self.rows(sides.left, sides.seeds)
        self.rights = [self.rows(right, sides.right_seeds) for right in sides.rights]
        self.bounds = [(sign, self.rows(bound, sides.right_seeds)) for sign, bound in sides.bounds]
        self.scale = self._scale()
        self._paired: Paired | None = None
        self._drawn: dict[bool, dict[Expression, np.ndarray]] = {}

    @property
    def count(self) -> int:
        """How many units the interval rests on: items where items are judged, else seeds."""
        return self._paired.count if self._paired else len(self.left)

    @property
    def item_count(self) -> int:
        return self._paired.count if self._paired else 0

    @property
    def replicates(self) -> int:
        """Seeds of the side that has fewer."""
        return min(len(self.left), *(len(right) for right in self.rights))

    def rows(self, side: Expression, seeds: tuple[int, ...]) -> np.ndarray:
        """One side's value of each seed, shape (seeds,). Raises Unclear where one is not finite."""
        rows = side.rows(self._source(seeds))
        rows = np.broadcast_to(rows, (len(seeds),))
        if not np.isfinite(rows).all():
            raise Unclear("the value of a single seed is not finite")
        return rows

    def _scale(self) -> str:
        """Logarithms for ratios and times, log-odds for shares near 0 or 1; plain differences for all else."""
        left, rights = self.compare.left, self.compare.rights
        values = np.concatenate([self.left, *(bound for _, bound in self.bounds), *self.rights])
        plain = isinstance(left, forms.Leaf) and all(isinstance(right, forms.Leaf | int | float) for right in rights)
        unit = vocabulary.unit(self.metric) if plain else ""
        ratio = any(isinstance(side, forms.Ratio) for side in (left, *rights))
        if (ratio or unit in _LOG_UNITS) and (values > 0).all():
            return "ratio"
        inside = ((values > 0) & (values < 1)).all()
        if unit == "share" and inside and ((values < _NEAR_BOUND).all() or (values > 1 - _NEAR_BOUND).all()):
            return "odds"
        return "difference"

    def slacks(self, transformed: bool = True) -> list[np.ndarray]:
        """How far each seed lies on the asked side of each bound, shape (seeds,)."""
        change = _TRANSFORMS[self.scale if transformed else "difference"]
        return [sign * (change(self.left) - change(bound)) for sign, bound in self.bounds]

    def items(self) -> Paired:
        """Items of both sides. Raises Missing and Unclear."""
        if self._paired is None:
            self._paired = pair_items(self.data.items, self.data.table, self.sides.cells, self.sides.seeds)
        return self._paired

    def item_slacks(self) -> list[np.ndarray]:
        """How far each item lies on the asked side of each bound, shape (items,)."""
        left = self.items().per_item(self.sides.left)
        return [sign * (left - self.items().per_item(bound)) for sign, bound in self.sides.bounds]

    def drawn(self, seeds_too: bool) -> dict[Expression, np.ndarray]:
        """Both sides and all bounds over the same resamples, shape (resamples,) each."""
        if seeds_too not in self._drawn:
            every = [self.sides.left, *self.sides.rights, *(bound for _, bound in self.sides.bounds)]
            values = resampled(every, self.items(), self.key, seeds_too)
            self._drawn[seeds_too] = dict(zip(every, values, strict=True))
        return self._drawn[seeds_too]

    # Intervals --------------------------------------------------------------------------------------------------

    def intervals(self, against: list[tuple[int, Expression]], level: float) -> list[tuple[float, float]]:
        """Two-sided intervals of sign × (left − bound) on this compare's scale, for each bound. Raises Undecided."""
        if self.units == "seeds":
            return self._seed_intervals(against, level)
        if self.units == "items":
            return self._item_intervals(against, level, seeds_too=False)
        if len(self.left) >= HIERARCHICAL_FROM:
            return self._item_intervals(against, level, seeds_too=True)
        over_items = self._item_intervals(against, level, seeds_too=False)
        over_seeds = self._seed_intervals(against, level)
        return [max(pair, key=lambda ends: ends[1] - ends[0]) for pair in zip(over_seeds, over_items, strict=True)]

    def _seed_intervals(self, against: list[tuple[int, Expression]], level: float) -> list[tuple[float, float]]:
        change = _TRANSFORMS[self.scale]
        found = []
        for sign, bound in against:
            right = self.rows(bound, self.sides.right_seeds)
            if not self.sides.drawn:
                low = high = float(change(self.left)[0] - change(right)[0])
            elif self.unpaired:
                low, high = statistics.welch_interval(change(self.left), change(right), level)
            elif self.bootstraps:
                left, drawn = resampled_seeds([self.sides.left, bound], self._source(self.sides.seeds), self.key)
                low, high = percentile_interval(change(left) - change(drawn), level)
            elif not self.sides.seedwise:
                raise Unclear("no interval: the seeds are not averaged here")
            elif self._shares(self.left, right):
                low, high = statistics.wilson(float(self.left.sum()), len(self.left), level)
                low, high = low - right[0], high - right[0]
            else:
                ends = statistics.t_interval(change(self.left) - change(right), level)
                low, high = float(ends[0]), float(ends[1])
            if math.isnan(low):
                raise Unclear(f"no interval from {len(self.left)} seed{'s' if len(self.left) > 1 else ''}")
            found.append((low, high) if sign > 0 else (-high, -low))
        return found

    @property
    def bootstraps(self) -> bool:
        """Whether seeds are resampled: their mean is not what is compared, as in |mean| where signs differ."""
        sides = (self.sides.left, *self.sides.rights)
        kinds = {over for side in sides for _, over in side.cells()}
        folded = any(side.folds(self._source(self.sides.seeds)) for side in sides)
        enough = self.sides.drawn and not self.unpaired and len(self.left) >= HIERARCHICAL_FROM
        return enough and not kinds & _RANGE_ENDS and (folded or bool(kinds & _BOOTSTRAPPED))

    def _shares(self, left: np.ndarray, right: np.ndarray) -> bool:
        """Runs that succeed or not (0/1), against a constant."""
        if vocabulary.unit(self.metric) != "0/1" or self.scale != "difference" or len(left) < 2:
            return False
        return bool(statistics.same(right)) and bool(np.isin(left, (0, 1)).all())

    def _item_intervals(
        self, against: list[tuple[int, Expression]], level: float, seeds_too: bool
    ) -> list[tuple[float, float]]:
        items = self.items()
        left = items.per_item(self.sides.left)
        independent = len(items.seeds) == 1 or not items.crossed
        constant = all(not list(bound.cells()) for _, bound in against)
        if isinstance(self.compare.left, forms.Leaf) and independent and constant and np.isin(left, (0, 1)).all():
            low, high = statistics.wilson(float(left.sum()), len(left), level)
            rights = [(sign, float(bound.total(lambda cell: np.empty(0)))) for sign, bound in against]
            return [(low - right, high - right) if sign > 0 else (right - high, right - low) for sign, right in rights]
        drawn = self.drawn(seeds_too)
        if any(not self._in_range(values) for values in drawn.values()):
            raise Unclear("no interval: a resample leaves the range of the scale")
        change = _TRANSFORMS[self.scale]
        return [
            percentile_interval(sign * (change(drawn[self.sides.left]) - change(drawn[bound])), level)
            for sign, bound in against
        ]

    def _in_range(self, values: np.ndarray) -> bool:
        low = self.scale == "difference" or bool((values > 0).all())
        return low and (self.scale != "odds" or bool((values < 1).all()))

    # What stands beside the verdict -----------------------------------------------------------------------------

    def shown(self) -> dict[str, Any]:
        """The fields of the record that hold interval, values by seed and sign probability."""
        sides, one_sided = self.sides, len(self.bounds) == 1
        fields: dict[str, Any] = {
            "scale": self.scale,
            "left_seeds": tuple(self.left.tolist()),
            "right_seeds": tuple(self.rights[sides.nearest].tolist()),
            "threshold": self.compare.margin if self.scale == "difference" and self.compare.margin is not None
            else float(self.scale != "difference"),
        }  # fmt: skip
        if not self.unpaired and sides.drawn and len(self.left) > 1 and sides.seedwise and not self.bootstraps:
            passing = int(np.all([slack > 0 for slack in self.slacks()], axis=0).sum())
            fields["passing"] = passing
            fields["sign_probability"] = statistics.binomial_above(passing, len(self.left)) if one_sided else None
        bound_seed = self.seed_bound and self.units == "seeds"
        try:
            (low, high), *_ = self.intervals([(1, sides.rights[sides.nearest])], statistics.LEVEL)
            around = self.intervals(sides.bounds, statistics.LEVEL)
            fields["uncertain"] = any(ends[0] <= 0 <= ends[1] and ends[1] > ends[0] for ends in around)
            back = _same if self.scale == "difference" else np.exp
            fields |= {"low": float(back(np.asarray(low))), "high": float(back(np.asarray(high)))}
        except Undecided:
            fields["uncertain"] = sides.drawn and not bound_seed and self._one_seed_decides()
        if self.units != "seeds" and self._paired is not None:
            fields["items"] = self._paired.count
        return fields

    def _one_seed_decides(self) -> bool:
        """Without an interval: would leaving out a seed change the outcome? Too few seeds to tell count as yes."""
        seeds, sides = self.sides.seeds, self.sides
        if len(seeds) < 3 or sides.seedwise or self.unpaired:
            return True
        plain = holds(self.compare.is_, *sides.values, self.compare.margin)
        for left_out in seeds:
            source = self._source(tuple(seed for seed in seeds if seed != left_out))
            left, *rights = (float(np.ravel(side.total(source))[0]) for side in (sides.left, *sides.rights))
            if holds(self.compare.is_, left, rights, self.compare.margin) != plain:
                return True
        return False

    def _source(self, seeds: tuple[int, ...]) -> Source:
        """The measured values of some seeds."""
        table = self.data.table
        return lambda cell: np.array([table.value_at(cell, seed) for seed in seeds])

    # The criterion's own confidence -----------------------------------------------------------------------------

    def confident(self, confidence: Any) -> tuple[bool, float | None]:
        """Does the compare hold for the whole interval, and the p of a test. Raises Undecided."""
        if isinstance(confidence, forms.Interval):
            inclusive = self.compare.is_ not in ("above", "below")
            ends = self.intervals(self.sides.bounds, confidence.interval)
            return all(low > 0 or (inclusive and low >= 0) for low, _ in ends), None
        if isinstance(confidence, forms.Test):
            p = self._test(confidence)
            return p < confidence.p, p
        k = confidence.se if isinstance(confidence, forms.StandardErrors) else confidence.sd
        return all(self._beyond(slack, k, confidence) for slack in self._unit_slacks(transformed=False)), None

    def _unit_slacks(self, transformed: bool) -> list[np.ndarray]:
        """Slacks over the units of the confidence; for both, those over seeds and those over items."""
        if self.units != "items" and not self.sides.seedwise:
            raise Unclear("no standard error: the seeds are not averaged here")
        seeds = [] if self.units == "items" else self.slacks(transformed)
        return seeds + ([] if self.units == "seeds" else self.item_slacks())

    def _beyond(self, slack: np.ndarray, k: float, confidence: Any) -> bool:
        center, error = statistics.mean_and_error(slack)
        if math.isnan(error):
            raise Unclear(f"no standard error from {len(slack)} value")
        spread = float(error) * (1 if isinstance(confidence, forms.StandardErrors) else math.sqrt(len(slack)))
        return float(center) > k * spread

    def _test(self, confidence: forms.Test) -> float:
        if confidence.test == "welch":
            found = [
                statistics.welch_p(self.left, bound) if sign > 0 else statistics.welch_p(bound, self.left)
                for sign, bound in self.bounds
            ]
        else:
            slacks = self._unit_slacks(transformed=confidence.test == "t")
            smallest = min(map(len, slacks))
            if confidence.test != "t" and 0.5**smallest >= confidence.p:
                raise Unclear(
                    f"the {confidence.test} test cannot reach p < {confidence.p:g} with {smallest} values "
                    f"(at best {0.5**smallest:.3g})"
                )
            test = {"t": statistics.t_p, "wilcoxon": statistics.wilcoxon_p, "sign": statistics.sign_p}
            found = [float(test[confidence.test](slack)) for slack in slacks]
        if any(math.isnan(p) for p in found):
            raise Unclear(f"no {confidence.test} test from {len(self.left)} seed")
        return max(found)
