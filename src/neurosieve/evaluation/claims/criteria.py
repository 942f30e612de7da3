"""Judging criteria: three-valued logic over compares, cells of `for_each`, and how firmly the outcome stands."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from neurosieve.evaluation.claims import forms, luck, statistics, walk
from neurosieve.evaluation.claims.axes import ALL, Axes, axis_text, natural
from neurosieve.evaluation.claims.compare import Judge
from neurosieve.evaluation.claims.records import Judged, Record, merge_seeds
from neurosieve.evaluation.claims.scope import Binding, Data, Scope
from neurosieve.evaluation.claims.table import Cell, Missing, Unclear, Undecided


@dataclass(frozen=True)
class Node:
    """An outcome and how it came about: one compare or claim, or at least `needed` of `parts` (`negated`: not).

    `value`: True, False or None (inconclusive). `sure`: the same from compares alone whose interval leaves the
    threshold out. `cells`: one part changing sides is one seed or cell changing sides.
    """

    value: bool | None
    sure: bool | None
    luck: float
    p: float | None = None
    records: tuple[Record, ...] = ()
    missing: str = ""
    reason: str = ""
    replicates: tuple[int, ...] = ()
    parts: tuple[Node, ...] = ()
    needed: int = 0
    negated: bool = False
    cells: bool = False

    def hinges(self) -> bool:
        """One seed or cell changing sides changes the value."""
        for place, part in enumerate(self.parts):
            if part.value is None:
                continue
            values = [one.value for one in self.parts]
            values[place] = not part.value
            if _count(values, self.needed, self.negated) != self.value and (self.cells or part.hinges()):
                return True
        return False


def _count(values: list[bool | None], needed: int, negated: bool) -> bool | None:
    """At least `needed` are true, whatever the unknown ones are; negated if asked."""
    true, unknown = values.count(True), values.count(None)
    if true >= needed:
        return not negated
    return negated if true + unknown < needed else None


def combine(parts: list[Node], needed: int, *, negated: bool = False, cells: bool = False) -> Node:
    """At least `needed` of several outcomes."""
    values = [part.value for part in parts]
    chance = luck.of_count([part.luck for part in parts], needed)
    p = [part.p for part in parts if part.p is not None]
    everyone = needed == len(parts)
    return Node(
        value=_count(values, needed, negated),
        sure=_count([part.sure for part in parts], needed, negated),
        luck=1 - chance if negated else chance,
        # A conjunction is as good as its worst test; a count needs a p of every part.
        p=None if negated or not p or (len(p) < len(parts) and not everyone) else
        statistics.partial_conjunction(p, len(p) if everyone else needed),
        records=tuple(record for part in parts for record in part.records),
        missing=next((part.missing for part in parts if part.missing), ""),
        reason=next((part.reason for part in parts if part.value is None and part.reason), ""),
        replicates=tuple(count for part in parts for count in part.replicates),
        parts=tuple(parts),
        needed=needed,
        negated=negated,
        cells=cells,
    )  # fmt: skip


def of_judged(judged: Judged) -> Node:
    """A compare as a node."""
    record = judged.record
    return Node(
        value=record.holds,
        sure=None if record.uncertain else record.holds,
        luck=judged.luck,
        p=record.p,
        records=(record,),
        missing=record.reason if judged.missing else "",
        reason=record.reason if record.holds is None else "",
        replicates=() if judged.replicates is None else (judged.replicates,),
    )


def undecided(reason: Undecided) -> Node:
    """An outcome that could not be reached."""
    missing = str(reason) if isinstance(reason, Missing) else ""
    return Node(value=None, sure=None, luck=0.5, missing=missing, reason=str(reason))


@dataclass(frozen=True)
class Evaluator:
    """Judges criteria of one claim; `claim_node` looks up another claim of the study; `key` names the claim."""

    data: Data
    claim_node: Callable[[str], Node]
    key: str

    def judge(self, criterion: Any, binding: Binding, path: walk.Path) -> Node:
        """The outcome of a criterion in a binding. Never raises on data."""
        match criterion:
            case forms.Compare():
                return of_judged(Judge(criterion, binding, self.data, path, self.key).judged())
            case forms.ClaimHolds():
                return self.claim_node(criterion.claim)
            case forms.ForEach():
                return self._for_each(criterion, binding, path)
        parts = [self.judge(part, binding, (*path, *step)) for step, part in walk.parts(criterion)]
        match criterion:
            case forms.AllOf():
                return combine(parts, len(parts))
            case forms.AnyOf():
                return combine(parts, 1)
            case forms.Not():
                return combine(parts, 1, negated=True)
            case _:
                return combine(parts, criterion.at_least)

    def _for_each(self, form: forms.ForEach, binding: Binding, path: walk.Path) -> Node:
        try:
            cells, drawn = Cells(form, binding, self.data).listed()
        except Undecided as reason:
            return undecided(reason)
        parts = [self.judge(form.that, inner, (*path, "that")) for inner in cells]
        by_seed = "seed" in form.for_each
        node = combine(parts, needed_of(form.need, len(parts)), cells=by_seed or form.need != "all")
        if not by_seed:
            return node
        seeds = [inner.seed for inner, part in zip(cells, parts, strict=True) for _ in part.records]
        records = merge_seeds(list(node.records), [seed or 0 for seed in seeds])
        distinct = len({inner.seed for inner in cells})
        return replace(node, records=tuple(records), replicates=(*node.replicates, *((distinct,) if drawn else ())))


def needed_of(need: str | float, cells: int) -> int:
    """How many of the cells must hold: all, one, or the ceiling of a share (up to rounding: .66 of 3 is 2)."""
    if isinstance(need, str):
        return cells if need == "all" else 1
    return max(1, math.ceil(need * cells - 1e-9))


@dataclass
class Reach:
    """What one leaf has along the `all` axes of a `for_each`: its points, with the seeds of each (None: any)."""

    axes: frozenset[str]
    points: dict[Axes, set[int] | None] = field(default_factory=dict)

    def has(self, point: dict[str, str], seed: int | None) -> bool:
        at = tuple((axis, point[axis]) for axis in sorted(self.axes))
        if at not in self.points:
            return False
        seeds = self.points[at]
        return seed is None or seeds is None or seed in seeds


class Cells:
    """The cells of a `for_each`: listed values crossed, and of `all` those present for every leaf inside."""

    def __init__(self, form: forms.ForEach, binding: Binding, data: Data) -> None:
        self.form = form
        self.binding = binding
        self.data = data
        self.uses = list(walk.criterion_leaves(form.that))
        takes_target = any(use.leaf.target == forms.EACH for use in self.uses)
        names = set(form.for_each) - {"seed"}
        self.each = sorted(names & ({"variant", "metric", "split"} | ({"target"} if takes_target else set())))
        self.axes = sorted(names - set(self.each))
        self.free = [axis for axis in self.axes if form.for_each[axis] == ALL]
        self._bound_axes: set[str] = set()

    def listed(self) -> tuple[list[Binding], bool]:
        """The bindings of all cells, and whether the seeds are drawn ones. Raises Undecided."""
        for_each = self.form.for_each
        reaches = [reach for each in self._each_values() for reach in self._reaches(each)]
        self._check_axes()
        drawn = [seeds for reach in reaches for seeds in reach.points.values() if seeds is not None]
        seeds: list[int | None] = [None]
        if "seed" in for_each:
            values = for_each["seed"]
            known = sorted(set().union(*drawn)) if drawn else list(self.data.table.seeds) or [0]
            seeds = list(known) if values == ALL else [int(float(str(one))) for one in _list(values)]
        domain = [
            self._domain(axis, reaches) if axis in self.free else [axis_text(value) for value in _list(for_each[axis])]
            for axis in self.axes
        ]
        cells = []
        every_seed = for_each.get("seed") == ALL
        for values in product(*domain):
            point = dict(zip(self.axes, values, strict=True))
            for each in self._each_values():
                for seed in seeds:
                    asked = seed if every_seed else None
                    if all(reach.has(point, asked) for reach in reaches):
                        cells.append(self.binding.inner(point, each, seed))
        if not cells:
            raise Unclear(f"no cell of {', '.join(for_each)} is there for every quantity compared")
        return cells, bool(drawn)

    def _each_values(self) -> list[dict[str, str]]:
        lists = [[str(one) for one in _list(self.form.for_each[name])] for name in self.each]
        return [dict(zip(self.each, values, strict=True)) for values in product(*lists)]

    def _domain(self, axis: str, reaches: list[Reach]) -> list[str]:
        found = {dict(point)[axis] for reach in reaches if axis in reach.axes for point in reach.points}
        return sorted(found, key=natural)

    def _reaches(self, each: dict[str, str]) -> Iterator[Reach]:
        """Points and seeds of every leaf inside, with the listed axes left at their lists."""
        wide: dict[str, Any] = {axis: self.form.for_each[axis] for axis in self.axes}
        for use in self.uses:
            for inner in self._inner_each(use, each):
                scope = Scope(self.data, self.binding.inner(wide, inner, None), [])
                for variant in scope.variants(use.leaf):
                    bound = scope.bind(use.leaf, variant)
                    own = {axis for axis, _ in bound.axes} - set(use.leaf.at)
                    self._bound_axes |= own
                    reach = Reach(frozenset(own & set(self.free)))
                    for axes in scope.matching(bound):
                        at = tuple((axis, value) for axis, value in axes if axis in reach.axes)
                        cell = Cell(bound.series, axes)
                        seeds = None if self.data.table.fixed(cell) else set(self.data.table.cells(bound.series)[axes])
                        known = reach.points.setdefault(at, seeds)
                        if known is not None and seeds is not None:
                            known |= seeds
                    yield reach

    def _inner_each(self, use: walk.Use, each: dict[str, str]) -> Iterator[dict[str, str]]:
        """The bindings of `each` that `for_each` further inside add for this leaf."""
        names = [name for name in forms.BOUND if name in use.bound and name not in self.form.for_each]
        names = [name for name in names if isinstance(use.bound[name], list)]
        for values in product(*([str(one) for one in use.bound[name]] for name in names)):
            yield {**each, **dict(zip(names, values, strict=True))}

    def _check_axes(self) -> None:
        for axis in self.axes:
            if axis not in self._bound_axes:
                raise Unclear(f"no quantity compared has the axis {axis}")


def _list(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]
