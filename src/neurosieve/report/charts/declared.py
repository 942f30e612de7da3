"""Figures that a study's file declares: a measure along an axis, a curve per value of another, theory dashed.

An axis is one of the variants' points (`storage@K=60`) or of the metric's own `at` column. Up to five runs are drawn;
of more, the 95 % interval of their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from neurosieve.errors import UserError
from neurosieve.report import rows
from neurosieve.report.charts import dotplot, lines, raster
from neurosieve.report.charts.figure import Cell, Figure, as_number, title_of
from neurosieve.report.numbers import data, decimals, factor, interval, joined, mean, shown
from neurosieve.report.state import FigureSpec, StudyState

Values = dict[int | None, float]
Curves = dict[str, dict[str, Values]]  # by curve, then by place on x


@dataclass(frozen=True)
class Reading:
    """Values of one measure at one point of all its axes, by seed."""

    variant: str
    axes: dict[str, str]
    values: Values
    unit: str


def figures(study: StudyState) -> list[Figure]:
    """The declared figures that have something to draw, in the order of the study's file."""
    return [figure for one in study.figures if (figure := KINDS[one.kind](study, one)) is not None]


def empty(study: StudyState) -> list[str]:
    """A sentence on each declared figure that has nothing to draw although all is computed."""
    if study.state != "complete":
        return []
    return [f"{one.name}: {_why_empty(study, one)}" for one in study.figures if KINDS[one.kind](study, one) is None]


def _why_empty(study: StudyState, wanted: FigureSpec) -> str:
    """What of it was not measured, or what it could have looked at."""
    there = [(row.metric, *rows.place_of(row.variant, row.at)) for row in study.metrics]
    there += [(one.metric, *rows.place_of(one.variant, one.at)) for one in study.series]
    axes = [{**axes, "variant": variant} for metric, variant, axes in there if metric == wanted.metric]
    if not axes:
        return f"{wanted.metric} was not measured at this scale."
    known = sorted({name for one in axes for name in one})
    asked = {wanted.panel, *wanted.at, *([wanted.x] if wanted.kind == "lines" else [])}
    if unknown := sorted(asked - {"", "split", *known}):
        return f"{wanted.metric} has no axis {', '.join(unknown)}; it has {', '.join(known)}."
    return f"no value of {wanted.metric} lies where its at, split, target and variants look, or there is only one."


def _figure(study: StudyState, wanted: FigureSpec) -> Figure | None:
    panels, unit = arranged(study, wanted, wanted.metric)
    if not panels:
        return None
    theory, _ = arranged(study, wanted, wanted.theory) if wanted.theory else ({}, "")
    places = in_order(x for curves in panels.values() for points in curves.values() for x in points)
    names = in_order(name for curves in panels.values() for name in curves)
    every = [value for part in (panels, theory) for value in _extent(part)]
    axes = lines.axes(wanted, places, [factor(unit) * value for value in every], unit, _arrow(study, wanted))
    looks = lines.looks(study, names, wanted.by)
    drawn = tuple(
        lines.panel(title, panels[title], theory.get(title, {}), axes, looks, factor(unit)) for title in panels
    )
    words = [wanted.by.replace("_", " "), axes.x, *(["theory"] if theory else []), "mean", "runs, or 95 % interval"]
    return Figure(
        wanted.name,
        title_of(study, wanted.name, wanted.question or f"How does {axes.measure} depend on {axes.x}?"),
        wanted.sub,
        lines.spec(axes, looks),
        drawn,
        _foot(panels, bool(theory)),
        tuple(["Panel", *words] if len(panels) > 1 else words),
        tuple(_numbers(panels, theory, names, places, unit)),
        half=len(panels) == 1,
        columns=3 if len(panels) % 3 == 0 else 2,
    )


def _dots(study: StudyState, wanted: FigureSpec) -> Figure | None:
    """One row per value of `by`, or per variant that has none."""
    found: dict[str, tuple[str, Values]] = {}
    unit = ""
    for reading in _readings(study, wanted, wanted.metric):
        label = {**reading.axes, "variant": reading.variant}.get(wanted.by, reading.variant)
        if label in found:
            raise UserError(
                f"study {study.slug}, figure {wanted.name}: several values of {wanted.metric} for {label}: choose with"
                " `at:`, `by:` or `variants:`"
            )
        found[label], unit = (reading.variant, reading.values), reading.unit
    return dotplot.declared(study, wanted, found, unit, _arrow(study, wanted))


KINDS: dict[str, Callable[[StudyState, FigureSpec], Figure | None]] = {
    "lines": _figure,
    "raster": raster.figure,
    "dots": _dots,
}


def _arrow(study: StudyState, wanted: FigureSpec) -> str:
    """Which way is better, where a metric says so on the rows that are drawn."""
    drawn = (row for row in study.metrics if row.metric == wanted.metric and wanted.split in ("", row.split))
    return next((rows.Column(row.metric, row.split, direction=row.direction).arrow for row in drawn), "")


def _extent(panels: dict[str, Curves]) -> Iterable[float]:
    """What has to find room on y: every run where runs are drawn, else both ends of the intervals."""
    for by in (by for curves in panels.values() for points in curves.values() for by in points.values()):
        yield from (by.values() if len(by) <= lines.FEW else interval(by.values()) or by.values())


def arranged(study: StudyState, wanted: FigureSpec, metric: str) -> tuple[dict[str, Curves], str]:
    """Values by panel, curve and place on x; and the unit.

    Raises UserError where two readings fall on one place: an axis then wants a value in `at:`.
    """
    found: dict[str, Curves] = {}
    unit, seen = "", {}
    for reading in _readings(study, wanted, metric):
        point = {**reading.axes, "variant": reading.variant}
        if wanted.x not in point:
            continue
        title = f"{wanted.panel.replace('_', ' ')} {point[wanted.panel]}" if wanted.panel in point else ""
        place = title, point.get(wanted.by, reading.variant), point[wanted.x]
        if place in seen:
            differ = sorted(name for name in point if point[name] != seen[place].get(name)) or ["target"]
            raise UserError(
                f"study {study.slug}, figure {wanted.name}: several values of {metric} at {wanted.x} {place[2]};"
                f" they differ in {', '.join(differ)}: choose with `at:`, `by:`, `panel:` or `variants:`"
            )
        seen[place], unit = point, reading.unit
        found.setdefault(title, {}).setdefault(place[1], {})[place[2]] = reading.values
    return {title: found[title] for title in in_order(found)}, unit


def _readings(study: StudyState, wanted: FigureSpec, metric: str) -> Iterable[Reading]:
    """What was measured of a metric, where the figure looks."""
    for row in study.metrics:
        variant, axes = rows.place_of(row.variant, row.at)
        asked = row.metric == metric and row.target == wanted.target and (not wanted.split or row.split == wanted.split)
        chosen = not wanted.variants or variant in wanted.variants
        if asked and chosen and row.values and all(_same(axes.get(name), value) for name, value in wanted.at.items()):
            yield Reading(variant, axes, row.values, row.unit)


def _same(one: str | None, other: object) -> bool:
    """`60` is `60.0`, and text is itself; a list allows each of its values."""
    if isinstance(other, list | tuple):
        return any(_same(one, value) for value in other)
    number = as_number(one or "")
    return one == str(other) or (number is not None and number == as_number(str(other)))


def in_order(names: Iterable[str]) -> list[str]:
    """Each once: numbers by size where all are numbers (or end in one), else as they come."""
    listed = list(dict.fromkeys(names))
    sizes = {name: as_number(name.rpartition(" ")[2]) for name in listed}
    return listed if None in sizes.values() else sorted(listed, key=lambda name: sizes[name] or 0.0)


def _foot(panels: dict[str, Curves], theory: bool) -> str:
    counts = {len(by) for curves in panels.values() for points in curves.values() for by in points.values()}
    few = max(counts) <= lines.FEW
    runs = (
        f"Thick: mean of {max(counts)} seeds. Thin: single runs."
        if few
        else f"Bars: 95 % interval of the mean of {max(counts)} runs."
    )
    return f"{'' if max(counts) == 1 else runs}{' Dashed: theory.' if theory else ''}".strip()


def _numbers(
    panels: dict[str, Curves], theory: dict[str, Curves], names: Sequence[str], places: Sequence[str], unit: str
) -> Iterable[tuple[Cell, ...]]:
    """One row per panel, curve and place: theory, mean, and each run or the interval."""
    scaled = factor(unit)
    for title, curves in panels.items():
        for name, place in ((name, place) for name in names for place in places if place in curves.get(name, {})):
            by = curves[name][place]
            cell = partial(_cell, scaled=scaled, digits=decimals(by.values(), unit))
            ends = interval(by.values()) if len(by) > lines.FEW else None
            each = joined((cell(value) for value in ends or by.values()), " to " if ends else " · ")
            expected = theory.get(title, {}).get(name, {}).get(place)
            known = [cell(mean(expected.values()) or 0.0) if expected else "–"] if theory else []
            row: list[Cell] = [name, place, *known, cell(mean(by.values()) or 0.0), each]
            yield tuple([title or "–", *row] if len(panels) > 1 else row)


def _cell(value: float, scaled: float, digits: int) -> Cell:
    return data(value, shown(scaled * value, digits))
