"""Binding: which cells of its metric a leaf reads, given the axes bound around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from neurosieve.evaluation.claims import forms, walk
from neurosieve.evaluation.claims.axes import ALL, Axes, axes_label, axis_text, natural_axes
from neurosieve.evaluation.claims.grid import absent_reason
from neurosieve.evaluation.claims.table import Cell, Items, Missing, Series, Table, Unclear


@dataclass(frozen=True)
class Data:
    """All that is measured of a study at one scale, and what it declares absent."""

    table: Table
    items: Items
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Binding:
    """What is bound where a leaf stands: the claim's `at`, the cell of each `for_each`, and a seed."""

    at: Mapping[str, Any] = field(default_factory=dict)
    cell: Mapping[str, Any] = field(default_factory=dict)
    each: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None

    def inner(self, cell: Mapping[str, Any], each: Mapping[str, str], seed: int | None) -> Binding:
        """This binding inside a cell of a `for_each`; an inner value replaces an outer one."""
        return replace(
            self,
            cell={**self.cell, **cell},
            each={**self.each, **each},
            seed=self.seed if seed is None else seed,
        )

    @property
    def label(self) -> str:
        return axes_label([*self.each.items(), *self.cell.items()])


@dataclass(frozen=True)
class Bound:
    """A leaf of one variant with what is bound for it: per axis `all` or the canonical values, in written order."""

    series: Series
    axes: tuple[tuple[str, tuple[str, ...] | None], ...]
    seed: int | None
    fixed: bool


class Scope:
    """One compare (or the body of a `for_each`) in its binding: it knows every leaf, so that `all` is common."""

    def __init__(self, data: Data, binding: Binding, leaves: Iterable[forms.Leaf]) -> None:
        self.data = data
        self.binding = binding
        self._common: dict[Bound, list[Axes]] = {}
        bounds = [self.bind(leaf, variant) for leaf in leaves for variant in self.variants(leaf)]
        self._select(list(dict.fromkeys(bounds)))

    def variants(self, leaf: forms.Leaf) -> list[str]:
        """The variants a leaf reads, `each` replaced by the one that is bound."""
        return [self.named(name, "variant") for name in walk.named_variants(leaf.of)]

    def named(self, name: str, kind: str) -> str:
        return self.binding.each.get(kind, name) if name == forms.EACH else name

    def bind(self, leaf: forms.Leaf, variant: str) -> Bound:
        """A leaf with the axes its variant has. Raises Missing where nothing was computed or it is declared absent."""
        target = self.named(leaf.target, "target")
        wanted = {**self.binding.at, **self.binding.cell, **leaf.at}
        values = {axis: _listed(value) for axis, value in wanted.items()}
        self._declared_absent(variant, {}, target)
        split = None if leaf.split is None else self.named(leaf.split, "split")
        try:
            series = self.data.table.series(variant, self.named(leaf.metric, "metric"), target, split)
        except Missing:
            self._declared_absent(variant, {axis: listed or () for axis, listed in values.items()}, target)
            raise
        has = {axis for axes in self.data.table.cells(series) for axis, _ in axes}
        bound = {axis: listed for axis, listed in values.items() if axis in has}
        self._declared_absent(variant, {axis: listed or () for axis, listed in bound.items()}, target)
        fixed = all(self.data.table.fixed(Cell(series, axes)) for axes in self.data.table.cells(series))
        return Bound(series, tuple(sorted(bound.items())), self.binding.seed, fixed)

    def _declared_absent(self, variant: str, axes: Mapping[str, Sequence[str]], target: str) -> None:
        if found := absent_reason(self.data.absent, variant, axes, target):
            key, reason = found
            raise Missing(f"{key} was not computed: {reason}")

    def points(self, bound: Bound) -> list[Axes]:
        """The cells a bound leaf reads, in natural order. Raises Missing or Unclear where a listed value is absent."""
        if bound not in self._common:
            self._select([bound])
        return self._common[bound]

    def _select(self, bounds: list[Bound]) -> None:
        """Keep cells whose `all` axes are present for every leaf; those with all seeds, where there are any."""
        found = {bound: self.matching(bound) for bound in bounds}
        for complete in (True, False):
            kept = {bound: self._complete(bound, cells) if complete else cells for bound, cells in found.items()}
            kept = _common(kept)
            if all(kept.values()):
                break
        for bound, cells in kept.items():
            if not cells:
                axes = ", ".join(axis for axis, listed in bound.axes if listed is None)
                raise Unclear(f"{bound.series.label}: no point of {axes} is there for every quantity compared")
            self._check_listed(bound, found[bound])
            self._common[bound] = sorted(cells, key=natural_axes)

    def matching(self, bound: Bound) -> list[Axes]:
        """Cells with the bound values (and seed); of an axis nothing binds, cells without it where there are any."""
        wanted = dict(bound.axes)
        cells = [
            axes
            for axes in self.data.table.cells(bound.series)
            if all(axis in dict(axes) and (listed is None or dict(axes)[axis] in listed) for axis, listed in bound.axes)
        ]
        free = sorted({axis for axes in cells for axis, _ in axes} - set(wanted))
        for axis in free:
            cells = [axes for axes in cells if axis not in dict(axes)] or cells
        if bound.seed is not None and not bound.fixed:
            cells = [axes for axes in cells if self._has_seed(Cell(bound.series, axes), bound.seed)]
        if not cells:
            self._none_found(bound)
        return cells

    def _has_seed(self, cell: Cell, seed: int) -> bool:
        return self.data.table.fixed(cell) or seed in self.data.table.cells(cell.series)[cell.axes]

    def _none_found(self, bound: Bound) -> None:
        for axis, listed in bound.axes:
            for value in listed or ():
                self._absent_value(bound, axis, value)
        seed = "" if bound.seed is None else f", seed {bound.seed}"
        where = axes_label((axis, "|".join(listed)) for axis, listed in bound.axes if listed)
        raise Unclear(f"{bound.series.label}{f' at {where}' if where else ''}{seed}: no value")

    def _check_listed(self, bound: Bound, cells: list[Axes]) -> None:
        listed = [(axis, values) for axis, values in bound.axes if values is not None]
        present = {tuple(dict(axes)[axis] for axis, _ in listed) for axes in cells}
        for combination in product(*(values for _, values in listed)):
            if combination not in present:
                for (axis, _), value in zip(listed, combination, strict=True):
                    self._absent_value(bound, axis, value)
                where = axes_label((axis, value) for (axis, _), value in zip(listed, combination, strict=True))
                seed = "" if bound.seed is None else f", seed {bound.seed}"
                raise Unclear(f"{bound.series.label} at {where}{seed}: no value")

    def _absent_value(self, bound: Bound, axis: str, value: str) -> None:
        """A value of an axis at which nothing at all was measured of the variant was not computed."""
        if not self.data.table.has_value(bound.series.variant, axis, value):
            raise Missing(f"{bound.series.variant} at {axis}={value} was not computed")

    def _complete(self, bound: Bound, cells: list[Axes]) -> list[Axes]:
        if bound.seed is not None or not any(listed is None for _, listed in bound.axes):
            return cells
        table = self.data.table.cells(bound.series)
        seeds = {seed for axes in cells for seed in table[axes]}
        return [axes for axes in cells if bound.fixed or set(table[axes]) == seeds]


def _listed(value: Any) -> tuple[str, ...] | None:
    """`all` is None; a value or a list of values is a tuple of canonical texts."""
    values = value if isinstance(value, list | tuple) else [value]
    texts = tuple(dict.fromkeys(axis_text(one) for one in values))
    return None if texts == (ALL,) else texts


def _common(cells: Mapping[Bound, list[Axes]]) -> dict[Bound, list[Axes]]:
    """Cells whose values on shared `all` axes every leaf has, repeated until nothing falls out."""
    kept = dict(cells)
    free = {bound: frozenset(axis for axis, listed in bound.axes if listed is None) for bound in cells}
    changed = True
    while changed:
        changed = False
        for bound, other in product(kept, kept):
            shared = free[bound] & free[other]
            if bound == other or not shared:
                continue
            there = {_project(axes, shared) for axes in kept[other]}
            left = [axes for axes in kept[bound] if _project(axes, shared) in there]
            changed |= len(left) < len(kept[bound])
            kept[bound] = left
    return kept


def _project(axes: Axes, onto: Iterable[str]) -> Axes:
    return tuple((axis, value) for axis, value in axes if axis in onto)
