"""What a figure is, and what all figures share: dots with their seeds, labels that keep apart, rows of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from neurosieve.report import rows
from neurosieve.report.numbers import data, decimals, factor, joined, shown
from neurosieve.report.state import Role, StudyState

Cell = str | Markup


@dataclass(frozen=True)
class Panel:
    """One drawing: its rows by name, the height of its plot in pixels, and its label in words."""

    title: str
    rows: dict[str, list[dict[str, Any]]]
    height: int
    label: str

    @property
    def drawing(self) -> dict[str, Any]:
        """What this panel adds to the figure's spec."""
        return {"datasets": self.rows, "height": self.height}

    @property
    def box(self) -> int:
        """Height of the box with its axes, so that nothing moves when it is drawn."""
        return self.height + 60


@dataclass(frozen=True)
class Figure:
    """One figure: a spec, panels that bring its rows, what marks and bars are, and the numbers behind it."""

    name: str
    title: str
    sub: str
    spec: dict[str, Any]
    panels: tuple[Panel, ...]
    foot: str
    head: tuple[str, ...]
    body: tuple[tuple[Cell, ...], ...]
    half: bool = False
    columns: int = 2


@dataclass(frozen=True)
class Dot:
    """A variant in one panel and one measure: every seed's value and their mean."""

    label: str
    role: Role
    hollow: bool
    values: tuple[float, ...]
    mean: float
    seeds: tuple[int | None, ...] = ()


def dots(study: StudyState, panel: rows.Panel, column: rows.Column, whole: bool = True) -> dict[rows.Point, Dot]:
    """Points of a panel that have the measure; not those of a sweep, nor (`whole`) those whose weights were cut."""
    found = {}
    for point in panel.points:
        measured = panel.cells.get((point, column)) or {}
        average = panel.mean(point, column)
        finite = tuple(value for value in measured.values() if math.isfinite(value))
        cut = whole and bool({"prune", "sparsify"} & set(study.chains.get(point.variant, ())))
        if point.axes or average is None or cut or len(finite) != len(measured):
            continue
        role = rows.role_of(study, point.variant)
        hollow = role == "method" and point.variant not in (study.slug, *study.roles)
        found[point] = Dot(point.label, role, hollow, finite, average, tuple(measured))
    return found


def column_of(panels: Iterable[rows.Panel], metric: str, split: str | None = None) -> rows.Column | None:
    """The first column of this metric (and split) that varies along no axis of its own."""
    for panel in panels:
        for column in panel.columns:
            if column.metric == metric and not column.at and split in (None, column.split):
                return column
    return None


def title_of(study: StudyState, name: str, question: str) -> str:
    """The finding as the study's file words it, where its claims have those verdicts; else the neutral question."""
    if study.scale == "smoke" or study.state != "complete":
        return question
    verdicts = {str(record.get("claim")): record.get("verdict") for record in study.claims}
    for given in study.titles:
        if given.name == name and given.when and all(verdicts.get(c) == word for c, word in given.when.items()):
            return given.title
    return question


def as_number(text: str) -> float | None:
    """The number that a text is; None for other texts."""
    try:
        return float(text)
    except ValueError:
        return None


def nice(values: Sequence[float], inside: tuple[float, float] | None = None, ticks: int = 4) -> list[float]:
    """Round ticks around the values, both ends included; `inside` are ends that cannot be passed (0 and 100 %)."""
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - max(1e-6, abs(low) * 0.05), high + max(1e-6, abs(high) * 0.05)
    step = _step((high - low) / ticks)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if inside is not None:
        first = max(first, math.ceil(inside[0] / step - 1e-9))
        last = max(min(last, math.floor(inside[1] / step + 1e-9)), first + 1)
    return [round(i * step, 10) for i in range(first, last + 1)]


def decades(values: Sequence[float]) -> list[float]:
    """Powers of ten around positive values, thinned to at most six."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)
    step = max(1, math.ceil((high - low) / 5))
    return [10.0**i for i in range(low, high + step, step)]


def _step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= step * 0.999)


def seed_words(study: StudyState) -> str:
    """`3 seeds`."""
    return f"{len(study.seeds)} seeds" if len(study.seeds) > 1 else "one seed"


def number_head(panels: Sequence[Any], *measures: str) -> tuple[str, ...]:
    """Header of the numbers: setting where there are several, what stands in the row, then each measure."""
    first = ("Setting", "Method") if len(panels) > 1 else ("Method",)
    return (*first, *(words for measure in measures for words in (measure, "each seed")))


def number_row(panels: Sequence[Any], setting: str, label: str, found: Sequence[Dot], unit: str) -> tuple[Cell, ...]:
    """One row of numbers: mean and every seed of each measure."""
    cells: list[Cell] = [setting or "–", label] if len(panels) > 1 else [label]
    for dot in found:
        places = decimals(dot.values, unit)
        scaled = factor(unit)
        cells.append(data(dot.mean, shown(scaled * dot.mean, places)))
        cells.append(joined((data(value, shown(scaled * value, places)) for value in dot.values), " · "))
    return tuple(cells)


def metric_words(column: rows.Column) -> str:
    """`intervention_seconds` -> `intervention seconds`; the split follows."""
    return " ".join(word for word in (column.metric.replace("_", " "), column.split, column.at) if word)
