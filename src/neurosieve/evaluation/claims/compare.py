"""Judging one compare: the criterion decides on values over all seeds; interval and tests stand beside it."""

from __future__ import annotations

import math
from dataclasses import replace

from neurosieve.evaluation.claims import forms, luck, statistics, walk
from neurosieve.evaluation.claims.axes import axis_text
from neurosieve.evaluation.claims.evidence import Evidence, Sides, is_unpaired, metric_of
from neurosieve.evaluation.claims.expressions import Expression, scaled
from neurosieve.evaluation.claims.labels import quantity_label, right_label
from neurosieve.evaluation.claims.quantities import Resolver, holds
from neurosieve.evaluation.claims.records import Judged, Record
from neurosieve.evaluation.claims.scope import Binding, Data, Scope
from neurosieve.evaluation.claims.table import Missing, NoCandidate, Undecided, same_seeds


class Judge:
    """One compare in one binding."""

    def __init__(self, compare: forms.Compare, binding: Binding, data: Data, path: walk.Path, key: str) -> None:
        self.compare = compare
        self.binding = binding
        self.data = data
        # Resamples are drawn from this text, so that a verdict does not depend on what was judged before it.
        self.key = f"{key}|{walk.path_text(path)}|{binding.label}|{binding.seed}"
        self.blank = Record(
            label=quantity_label(compare.left),
            is_=compare.is_,
            against=right_label(compare),
            path=walk.path_text(path),
            cell=binding.label,
            margin=compare.margin,
            paper=_paper(compare, binding),
        )

    def judged(self) -> Judged:
        """Never raises on data: what has no value is missing or inconclusive, with its reason."""
        try:
            sides = self._resolve()
            return self._decide(sides)
        except NoCandidate as reason:
            verdict = {"true": True, "false": False}.get(self.compare.if_none or "")
            return Judged(replace(self.blank, holds=verdict, reason=str(reason)))
        except Missing as reason:
            return Judged(replace(self.blank, reason=str(reason)), missing=True)
        except Undecided as reason:
            return Judged(replace(self.blank, reason=str(reason)))

    def _resolve(self) -> Sides:
        compare = self.compare
        leaves = [leaf for _, leaf in walk.compare_leaves(compare)]
        resolver = Resolver(Scope(self.data, self.binding, leaves))
        left = resolver.resolve(compare.left)
        rights = [resolver.resolve(right) for right in compare.rights]
        seeds, right_seeds, drawn = self._seeds(left, rights)
        values = resolver.value(left), [resolver.value(right) for right in rights]
        bounds = _bounds(compare, rights, values[1])
        chosen = ", ".join(dict.fromkeys(text for text in resolver.chosen if text))
        pooled = ", ".join(dict.fromkeys(resolver.pooled))
        return Sides(left, rights, bounds, seeds, right_seeds, drawn, values, chosen, pooled)

    def _seeds(self, left: Expression, rights: list[Expression]) -> tuple[tuple[int, ...], tuple[int, ...], bool]:
        """Seeds of left and right (the same ones, but for `welch`), and whether anything is drawn at all."""
        table = self.data.table
        sides = [
            [cell for side in group for cell, _ in side.cells() if not table.fixed(cell)] for group in ([left], rights)
        ]
        drawn = any(sides)
        if self.binding.seed is not None:
            return (self.binding.seed,), (self.binding.seed,), drawn
        groups = [[(cell.label, table.cells(cell.series)[cell.axes]) for cell in side] for side in sides]
        # What is not drawn pairs with every seed of the study.
        every = table.seeds or (0,)
        if is_unpaired(self.compare):
            return same_seeds(groups[0]) or every, same_seeds(groups[1]) or every, drawn
        seeds = same_seeds([*groups[0], *groups[1]]) or every
        return seeds, seeds, drawn

    def _decide(self, sides: Sides) -> Judged:
        compare, (left, rights) = self.compare, sides.values
        plain = holds(compare.is_, left, rights, compare.margin)
        evidence = Evidence(compare, sides, self.binding, self.data, self.key)
        record = replace(
            self.blank,
            left=left,
            right=rights[sides.nearest],
            bounds=tuple(rights) if len(rights) > 1 else (),
            difference=left - rights[sides.nearest],
            seeds=sides.seeds if sides.drawn else (),
            n=len(sides.seeds),
            holds=plain,
            chosen=sides.chosen,
            pooled=sides.pooled,
            permutation_probability=self._permutation(sides),
            **evidence.shown(),
        )
        replicates = None if self.binding.seed is not None or not sides.drawn else evidence.replicates
        missing = False
        if compare.confidence is not None:
            try:
                verdict, p = evidence.confident(compare.confidence)
                record = replace(record, holds=verdict, p=p)
            except Undecided as reason:
                record = replace(record, holds=None, reason=str(reason))
                missing = isinstance(reason, Missing)
        chance = luck.of_compare(compare, len(sides.seeds), evidence.count, evidence.metric)
        return Judged(record, missing, chance, replicates)

    def _permutation(self, sides: Sides) -> float | None:
        """Chance of passing a constant with a rank correlation of points in no order."""
        right = self.compare.rights[0]
        metric = metric_of(self.compare.left, self.binding.each)
        if ".spearman." not in metric or not isinstance(right, int | float) or len(self.compare.rights) > 1:
            return None
        if self.compare.is_ == "within" or not isinstance(self.compare.left, forms.Leaf):
            return None
        points = min(self.data.table.rows_behind(cell) for cell, _ in sides.left.cells())
        above, strict = self.compare.is_ in ("above", "at_least"), self.compare.is_ in ("above", "below")
        chance = statistics.spearman_chance(points, float(right), above, strict)
        return None if math.isnan(chance) else chance


def _paper(compare: forms.Compare, binding: Binding) -> float | None:
    """The paper's figure in this cell, where it has one."""
    if not isinstance(compare.paper, dict):
        return compare.paper
    here = {axis: axis_text(value) for axis, value in binding.cell.items()}
    found = (values.get(here.get(axis, "")) for axis, values in compare.paper.items())
    return next((value for value in found if value is not None), None)


def _bounds(compare: forms.Compare, rights: list[Expression], values: list[float]) -> list[tuple[int, Expression]]:
    match compare.is_:
        case "above" | "at_least":
            return [(1, rights[0])]
        case "below" | "at_most":
            return [(-1, rights[0])]
        case "within":
            margin = float(compare.margin or 0)
            return [(-1, scaled(rights[0], 1, margin)), (1, scaled(rights[0], 1, -margin))]
        case _:
            low, high = sorted(range(2), key=lambda place: values[place])
            return [(1, rights[low]), (-1, rights[high])]
