"""Looking up measured values: which cells a variant's metric has, and the value of each seed in each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims.axes import Axes, axes_label, parse_axes, parse_point
from neurosieve.evaluation.claims.grid import Grid


class Undecided(Exception):
    """A quantity has no value; the message says why, on one line."""


class Missing(Undecided):
    """It was not computed: the claim is not decided."""


class Unclear(Undecided):
    """It was computed and has no usable value: inconclusive."""


class NoCandidate(Unclear):
    """Nothing passes `among`."""


@dataclass(frozen=True)
class Series:
    """One metric of one variant on one target and split."""

    variant: str
    metric: str
    target: str
    split: str

    @property
    def label(self) -> str:
        words = [self.metric, self.split if self.split not in ("", "test") else "", self.variant]
        on = [] if self.target == "native" else ["on", self.target]
        return " ".join(word for word in [*words, *on] if word)


@dataclass(frozen=True)
class Cell:
    """One point of a series: its values are one number per seed."""

    series: Series
    axes: Axes

    @property
    def label(self) -> str:
        return f"{self.series.label} at {axes_label(self.axes)}" if self.axes else self.series.label


Seeds = Mapping[int, float]
_KEYS = ("variant", "metric", "target", "split", "at", "seed", "value")


class Table:
    """A study's metrics at one scale, by series, cell and seed."""

    def __init__(self, metrics: pl.DataFrame, study: str, scale: str, grid: Grid) -> None:
        self._series: dict[Series, dict[Axes, dict[int, float]]] = {}
        self._points: dict[str, set[Axes]] = {}
        self._rows_behind: dict[tuple[Cell, int], int] = {}
        self._twice: set[Cell] = set()
        self._fixed = {name for name, variant in grid.variants.items() if not variant.seeds}
        self.seeds = tuple(grid.seeds)
        rows = _of_scale(metrics, study, scale)
        behind = rows["n"].to_list() if "n" in rows.columns else [None] * len(rows)
        for (*row, value), n in zip(rows.select(_KEYS).iter_rows(), behind, strict=True):
            variant, metric, target, split, at, seed = row
            self._add(Series(variant, metric, target, split), at, seed, math.nan if value is None else value, n or 0)

    def _add(self, written: Series, at: str, seed: int, value: float, rows_behind: int) -> None:
        """One row; its series still has the point in place of the variant."""
        variant, point = parse_point(written.variant)
        self._points.setdefault(variant, set()).add(point)
        series = replace(written, variant=variant)
        axes = tuple(sorted({**dict(point), **dict(parse_axes(at))}.items()))
        known = self._series.setdefault(series, {}).setdefault(axes, {}).setdefault(seed, value)
        if known != value and not (math.isnan(known) and math.isnan(value)):
            self._twice.add(Cell(series, axes))
        self._rows_behind[Cell(series, axes), seed] = rows_behind

    @property
    def empty(self) -> bool:
        return not self._series

    def has_variant(self, variant: str) -> bool:
        return variant in self._points

    def has_value(self, variant: str, axis: str, value: str) -> bool:
        """Something was measured of this variant at this value of an axis, if only of another metric."""
        if any(dict(axes).get(axis) == value for axes in self._points.get(variant, ())):
            return True
        cells = (axes for series, cells in self._series.items() if series.variant == variant for axes in cells)
        return any(dict(axes).get(axis) == value for axes in cells)

    def series(self, variant: str, metric: str, target: str, split: str | None) -> Series:
        """The series a leaf reads; without a split, the metric's home split. Raises Missing."""
        home = vocabulary.home_split(metric)
        # A component may write "" or "test" for what belongs to no particular rows: both mean no other split.
        splits = [split] if split is not None else [home, *({"", "test"} - {home} if home in ("", "test") else ())]
        for candidate in splits:
            series = Series(variant, metric, target, candidate)
            if series in self._series:
                return series
        if variant not in self._points:
            raise Missing(f"variant {variant} was not computed")
        raise Missing(f"{Series(variant, metric, target, splits[0]).label} was not measured")

    def cells(self, series: Series) -> Mapping[Axes, Seeds]:
        return self._series[series]

    def values(self, cell: Cell) -> Seeds:
        """Value by seed, in the order of the seeds. Raises Unclear for two values of one seed and for NaN or ±inf."""
        return {seed: self._finite(cell, seed) for seed in sorted(self._series[cell.series][cell.axes])}

    def fixed(self, cell: Cell) -> bool:
        """Nothing is drawn in this variant's chain: its one value pairs with every seed."""
        return cell.series.variant in self._fixed and len(self._series[cell.series][cell.axes]) == 1

    def value_at(self, cell: Cell, seed: int) -> float:
        """The value of one seed. Raises Unclear where there is none."""
        seeds = self._series[cell.series][cell.axes]
        if self.fixed(cell):
            return self._finite(cell, next(iter(seeds)))
        if seed not in seeds:
            raise Unclear(f"{cell.label}: no value for seed {seed}")
        return self._finite(cell, seed)

    def _finite(self, cell: Cell, seed: int) -> float:
        if cell in self._twice:
            raise Unclear(f"{cell.label}: two different values for the same seed")
        value = self._series[cell.series][cell.axes][seed]
        if not math.isfinite(value):
            raise Unclear(f"{cell.label}, seed {seed}: the value is not finite")
        return value

    def rows_behind(self, cell: Cell) -> int:
        """The smallest `n` of a cell's rows: how many rows, points or trials a value rests on (0: not told)."""
        return min(self._rows_behind[cell, seed] for seed in self._series[cell.series][cell.axes])


class Items:
    """Values per item, read from `items` as they are needed."""

    def __init__(self, items: pl.DataFrame | None, study: str, scale: str) -> None:
        self._frame = None if items is None else _of_scale(items, study, scale)
        self._cache: dict[Cell, dict[int, tuple[tuple[str, ...], np.ndarray]]] = {}

    def values(self, cell: Cell) -> dict[int, tuple[tuple[str, ...], np.ndarray]]:
        """Item names and values (float64, by name) of each seed. Raises Missing and Unclear."""
        if cell not in self._cache:
            self._cache[cell] = self._read(cell)
        if not self._cache[cell]:
            raise Missing(f"no items of {cell.label} (items.parquet)")
        return self._cache[cell]

    def _read(self, cell: Cell) -> dict[int, tuple[tuple[str, ...], np.ndarray]]:
        if self._frame is None or "item" not in self._frame.columns:
            raise Missing(f"there are no items (items.parquet); {cell.label} is judged over items")
        series = cell.series
        same = pl.all_horizontal(pl.col(name) == getattr(series, name) for name in ("metric", "target", "split"))
        point = pl.col("variant")
        near = self._frame.filter(same & ((point == series.variant) | point.str.starts_with(f"{series.variant}@")))
        found: dict[int, dict[str, float]] = {}
        for name, at, seed, item, value in near.select("variant", "at", "seed", "item", "value").iter_rows():
            variant, axes = parse_point(name)
            full = tuple(sorted({**dict(axes), **dict(parse_axes(at))}.items()))
            if variant != series.variant or full != cell.axes:
                continue
            if value is None or not math.isfinite(value):
                raise Unclear(f"{cell.label}, seed {seed}, item {item}: the value is not finite")
            if found.setdefault(seed, {}).setdefault(str(item), value) != value:
                raise Unclear(f"{cell.label}, seed {seed}: two different values for item {item}")
        ordered = {seed: sorted(values.items()) for seed, values in sorted(found.items())}
        return {
            seed: (tuple(name for name, _ in pairs), np.array([value for _, value in pairs]))
            for seed, pairs in ordered.items()
        }


def _of_scale(frame: pl.DataFrame, study: str, scale: str) -> pl.DataFrame:
    """The rows of one study and scale, with text columns filled and the columns that a table may lack added."""
    for column, value in (("target", "native"), ("split", ""), ("at", "")):
        if column not in frame.columns:
            frame = frame.with_columns(pl.lit(value).alias(column))
        frame = frame.with_columns(pl.col(column).cast(pl.String).fill_null(value))
    for column, value in (("study", study), ("scale", scale)):
        if column in frame.columns:
            frame = frame.filter(pl.col(column) == value)
    return frame.with_columns(pl.col("seed").fill_null(0), pl.col("value").cast(pl.Float64))


def same_seeds(groups: Iterable[tuple[str, Iterable[int]]]) -> tuple[int, ...]:
    """The seeds all groups share; raises Unclear naming two that differ. No group: no seeds."""
    first: tuple[str, tuple[int, ...]] | None = None
    for label, seeds in groups:
        here = tuple(sorted(seeds))
        if first is None:
            first = (label, here)
        elif here != first[1]:
            raise Unclear(f"seeds not paired: {first[0]} has {_listed(first[1])}, {label} has {_listed(here)}")
    return first[1] if first else ()


def _listed(seeds: tuple[int, ...]) -> str:
    return ", ".join(map(str, seeds[:6])) + (f" and {len(seeds) - 6} more" if len(seeds) > 6 else "")
