"""Resolving quantities: seeds first, then axis points, then the choice among variants, then arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims import forms, walk
from neurosieve.evaluation.claims.axes import Axes, axes_label
from neurosieve.evaluation.claims.expressions import Combined, Constant, Expression, Read, mean, scaled
from neurosieve.evaluation.claims.labels import leaf_label
from neurosieve.evaluation.claims.scope import Bound, Scope
from neurosieve.evaluation.claims.table import Cell, NoCandidate, Unclear, same_seeds

# Room for the rounding of sums like 0.9 - 0.03: beyond it, strict is strict and at most is at most.
_ROUNDING = 1e-12


def holds(relation: str, left: float, rights: list[float], margin: float | None = None) -> bool:
    """A bare compare; equality is meant up to 1e-12 of the larger side."""
    room = _ROUNDING * max(abs(left), *(abs(right) for right in rights), abs(margin or 0))
    difference = left - rights[0]
    match relation:
        case "above":
            return difference > room
        case "at_least":
            return difference >= -room
        case "below":
            return difference < -room
        case "at_most":
            return difference <= room
        case "within":
            return abs(difference) <= (margin or 0) + room
        case _:
            return min(rights) - room <= left <= max(rights) + room


@dataclass(frozen=True)
class Candidate:
    """One of several things to choose from, with the axes that tell it apart."""

    expression: Expression
    axes: Mapping[str, str]
    variant: str


class Resolver:
    """Turns quantities into expressions within one scope, making every choice by values over all seeds."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.table = scope.data.table
        self.chosen: list[str] = []
        self.pooled: list[str] = []

    def resolve(self, quantity: Any, fixed: Mapping[str, str] | None = None) -> Expression:
        """The expression of a quantity; `fixed`: axes of the candidate it is judged for. Raises Undecided."""
        fixed = fixed or {}
        match quantity:
            case forms.Leaf():
                return scaled(self._leaf(quantity, fixed), quantity.times, quantity.plus)
            case forms.Diff():
                parts, kind = quantity.diff, "diff"
            case forms.Ratio():
                parts, kind = quantity.ratio, "ratio"
            case forms.Abs():
                parts, kind = [quantity.abs], "abs"
            case _:
                return Constant(float(quantity))
        return Combined(kind, tuple(self.resolve(part, fixed) for part in parts), quantity.times, quantity.plus)

    def value(self, expression: Expression) -> float:
        """Over all seeds, or of the bound seed (`over` is off). Raises Unclear where it is not finite."""
        seed = self.scope.binding.seed
        if seed is None:
            result = expression.total(self.measured)
        else:
            result = expression.rows(lambda cell: np.array([self.table.value_at(cell, seed)]))
        value = float(np.ravel(result)[0])
        if not np.isfinite(value):
            cells = list(dict.fromkeys(cell.label for cell, _ in expression.cells()))
            raise Unclear(f"no finite value from {' and '.join(cells[:2]) or 'a constant'}")
        return value

    def measured(self, cell: Cell) -> np.ndarray:
        """Values of a cell, shape (seeds,)."""
        return np.array(list(self.table.values(cell).values()))

    def _leaf(self, leaf: forms.Leaf, fixed: Mapping[str, str]) -> Expression:
        candidates, refused = [], 0
        for variant in self.scope.variants(leaf):
            try:
                candidates.append(self._variant(leaf, variant, fixed))
            except NoCandidate:
                refused += 1
        if isinstance(leaf.of, forms.MeanOf) and not refused:
            return mean([candidate.expression for candidate in candidates])
        if isinstance(leaf.of, str) and candidates:
            return candidates[0].expression
        if not any(pool in ("best", "worst") for pool in leaf.pools):
            candidates = [one for one in candidates if self._passes(leaf, one, fixed)]
        if not candidates:
            raise NoCandidate(f"no candidate of {leaf_label(leaf)} passes")
        self._same_seeds([cell for one in candidates for cell, _ in one.expression.cells()])
        kind = "worst" if isinstance(leaf.of, forms.Worst) else "best"
        picked = self._pick(leaf, kind, candidates, fixed)
        self.chosen.append(picked.variant)
        return picked.expression

    def _variant(self, leaf: forms.Leaf, variant: str, fixed: Mapping[str, str]) -> Candidate:
        """One variant's cells, pooled axis by axis."""
        bound = self.scope.bind(leaf, variant)
        cells = [Cell(bound.series, axes) for axes in self.scope.points(bound) if _agrees(axes, fixed, leaf.at)]
        if not cells:
            raise Unclear(f"{bound.series.label} at {axes_label(fixed.items())}: no value")
        self._same_seeds(cells)
        if "pool" not in leaf.model_fields_set:
            self.pooled += _unnamed(bound, cells)
        groups = [Candidate(Read(cell, leaf.over), dict(cell.axes), variant) for cell in cells]
        for axis, pool in leaf.pool.items() if isinstance(leaf.pool, dict) else ():
            groups = self._pool_axis(leaf, groups, axis, pool, fixed)
        pool = "mean" if isinstance(leaf.pool, dict) else leaf.pool
        return self._reduce(leaf, groups, pool, fixed, {})

    def _pool_axis(
        self, leaf: forms.Leaf, groups: list[Candidate], axis: str, pool: str, fixed: Mapping[str, str]
    ) -> list[Candidate]:
        rest: dict[Axes, list[Candidate]] = {}
        for group in groups:
            rest.setdefault(tuple(sorted((a, v) for a, v in group.axes.items() if a != axis)), []).append(group)
        return [self._reduce(leaf, members, pool, fixed, dict(key)) for key, members in rest.items()]

    def _reduce(
        self, leaf: forms.Leaf, groups: list[Candidate], pool: str, fixed: Mapping[str, str], axes: Mapping[str, str]
    ) -> Candidate:  # fmt: skip
        """Several points of one variant become one; a choice keeps the axes of the point it takes."""
        variant = groups[0].variant
        if pool in ("best", "worst"):
            passing = [group for group in groups if self._passes(leaf, group, fixed)]
            if not passing:
                raise NoCandidate(f"no candidate of {leaf_label(leaf)} passes")
            picked = self._pick(leaf, pool, passing, fixed)
            if len(groups) > 1:
                self.chosen.append(axes_label((a, v) for a, v in picked.axes.items() if axes.get(a) != v))
            return picked
        expressions = [group.expression for group in groups]
        if len(groups) == 1:
            return Candidate(expressions[0], axes or groups[0].axes, variant)
        if pool in ("min", "max", "spread"):
            ordered = sorted(expressions, key=self.value)
            low, high = ordered[0], ordered[-1]
            chosen = {"min": low, "max": high, "spread": Combined("diff", (high, low))}[pool]
            return Candidate(chosen, axes, variant)
        return Candidate(Combined(pool, tuple(expressions)), axes, variant)

    def _passes(self, leaf: forms.Leaf, candidate: Candidate, fixed: Mapping[str, str]) -> bool:
        if leaf.among is None:
            return True
        here = {**fixed, **candidate.axes}
        left = self.resolve(self._plain_pool(walk.among_leaf(leaf, candidate.variant), here), here)
        right = self.resolve(leaf.among.right, here)
        return holds(leaf.among.is_, self.value(left), [self.value(right)], leaf.among.margin)

    def _pick(self, leaf: forms.Leaf, kind: str, candidates: list[Candidate], fixed: Mapping[str, str]) -> Candidate:
        """The best or worst by the direction of the metric that is chosen by; the first of equals."""
        metric = self.scope.named((leaf.by.metric if leaf.by else None) or leaf.metric, "metric")
        largest = (vocabulary.direction(metric) != "lower") == (kind == "best")
        values = [self._chosen_by(leaf, candidate, fixed) for candidate in candidates]
        return candidates[values.index(max(values) if largest else min(values))]

    def _chosen_by(self, leaf: forms.Leaf, candidate: Candidate, fixed: Mapping[str, str]) -> float:
        if leaf.by is None:
            return self.value(candidate.expression)
        here = {**fixed, **candidate.axes}
        return self.value(self.resolve(self._plain_pool(walk.by_leaf(leaf, candidate.variant), here), here))

    def _plain_pool(self, leaf: forms.Leaf, fixed: Mapping[str, str]) -> forms.Leaf:
        """The leaf a candidate is judged by, pooled like the candidate over the axes that are not fixed."""
        pool = leaf.pool
        if isinstance(pool, dict):
            pool = {axis: how for axis, how in pool.items() if axis not in fixed and how not in ("best", "worst")}
        elif pool in ("best", "worst"):
            pool = "mean"
        return leaf.model_copy(update={"pool": pool})

    def _same_seeds(self, cells: list[Cell]) -> None:
        """Every cell that is combined or chosen from has the same seeds; what is not drawn pairs with all."""
        if self.scope.binding.seed is None:
            drawn = [cell for cell in cells if not self.table.fixed(cell)]
            same_seeds((cell.label, self.table.values(cell)) for cell in drawn)


def _unnamed(bound: Bound, cells: list[Cell]) -> list[str]:
    """The axes that several of these cells differ by although nothing names them: `noise (5 values)`."""
    named, values = dict(bound.axes), dict[str, set[str]]()
    for axis, value in (pair for cell in cells for pair in cell.axes if pair[0] not in named):
        values.setdefault(axis, set()).add(value)
    return [f"{axis} ({len(found)} values)" for axis, found in sorted(values.items()) if len(found) > 1]


def _agrees(axes: Axes, fixed: Mapping[str, str], own: Mapping[str, Any]) -> bool:
    """A cell lies at the candidate's axes, where it has them and does not name a value of its own."""
    free = {axis for axis, value in own.items() if value != "all" and not isinstance(value, list)}
    return all(axis in free or fixed.get(axis, value) == value for axis, value in axes)
