"""The figures of a study: forgetting map, membership evidence, cost; for other studies their first measure.

Drawn from the metric rows alone, as static SVG. Large marks are means over seeds, small ones single seeds; titles
are questions, since a finding belongs to a claim and its verdict.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from neurosieve.report import rows, svg
from neurosieve.report.numbers import data, decimals, factor, joined, shown, unit_word
from neurosieve.report.state import Samples, StudyState

PLOT = 250  # pixels: height of the map's plot area
STEP = 27  # pixels: distance of the rows of a dot plot


@dataclass(frozen=True)
class Figure:
    """One figure: panels with their titles, a footer and the numbers behind it."""

    name: str
    title: str
    sub: str
    panels: tuple[tuple[str, Markup], ...]
    foot: str
    head: tuple[str, ...]
    body: tuple[tuple[str | Markup, ...], ...]
    half: bool = True


@dataclass(frozen=True)
class Dot:
    """A point of a figure: label, role, drawn hollow where it varies the method, its mean and its seeds' values."""

    label: str
    role: svg.Role
    hollow: bool
    values: tuple[float, ...]
    mean: float


def study_figures(study: StudyState) -> list[Figure]:
    """The figures that the study's metrics allow, the forgetting map first."""
    panels = rows.panels(study)
    figures = [forgetting_map(study, panels)]
    if figures[0] is None:
        figures = [_first_measure(study, panels)]
    mia = _column(panels, "mia_success")
    if mia is not None:
        title = "What does a membership attack still find?"
        sub = "Forgotten training rows that the attack calls members."
        if any(rows.role_of(study, point.variant) == "retrained" for panel in panels for point in panel.points):
            sub += " Dashed: the retrained network, which never saw them."
        figures.append(dot_plot(study, panels, mia, "membership", title, sub))
    figures.append(_cost(study, panels))
    return [figure for figure in figures if figure is not None]


def forgetting_map(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """Accuracy on the rows kept over accuracy on the rows forgotten, one panel per setting; None without both."""
    kept, lost = _column(panels, "accuracy", "retain"), _column(panels, "accuracy", "forget")
    if kept is None or lost is None:
        return None
    drawn: list[tuple[str, Markup]] = []
    body: list[tuple[str | Markup, ...]] = []
    pairs = [(panel, _dots(study, panel, lost), _dots(study, panel, kept)) for panel in panels]
    every = [100 * value for _, _, ups in pairs for dot in ups.values() for value in dot.values]
    if not every:
        return None
    scale = svg.linear(every, (0, 100))
    for panel, across, up in pairs:
        both = [point for point in up if point in across]
        if both:
            drawn.append((panel.label, _map(scale, [(across[point], up[point]) for point in both])))
            body += [_number_row(panels, panel, point.label, [across[point], up[point]], "share") for point in both]
    seeds = _seeds(study)
    return Figure(
        "map",
        "How much is forgotten, and how much is kept?",
        "Accuracy on the rows kept over accuracy on the rows forgotten. The goal is where the retrained network lies.",
        tuple(drawn),
        f"Large marks: mean of {seeds}. Small marks: single seeds.",
        _number_head(panels, "forgotten, %", "kept, %"),
        tuple(body),
        half=len(drawn) == 1,
    )


def _map(scale: svg.Scale, pairs: Sequence[tuple[Dot, Dot]]) -> Markup:
    across = svg.Scale(0, 100, (0, 25, 50, 75, 100))
    top = 26.0

    def x(value: float) -> float:
        return across(100 * value)

    def y(value: float) -> float:
        return top + PLOT * (1 - scale(100 * value))

    parts = [svg.text(0, 11, "accuracy on the rows kept, % ↑", dx=-34)]
    for tick in scale.ticks:
        height = y(tick / 100)
        parts += [
            svg.line(0, height, 1, height),
            svg.text(0, height + 4.5, svg.tick_text(tick, scale), anchor="end", dx=-8),
        ]
    for tick in across.ticks:
        parts.append(svg.text(across(tick), top + PLOT + 24, shown(tick, 0), anchor="middle"))
    parts.append(svg.text(0, top + PLOT + 46, "accuracy on the rows forgotten, % → retrained"))
    for lost, kept in pairs:
        parts += [svg.mark(lost.role, x(a), y(b), small=True) for a, b in zip(lost.values, kept.values, strict=False)]
    parts += [svg.mark(lost.role, x(lost.mean), y(kept.mean), hollow=lost.hollow) for lost, kept in pairs]
    parts += _labels([(lost, x, y(kept.mean)) for lost, kept in pairs], top - 4, top + PLOT)
    names = ", ".join(
        f"{lost.label} {shown(100 * lost.mean, 1)} and {shown(100 * kept.mean, 1)}" for lost, kept in pairs
    )
    return svg.picture(
        parts, top + PLOT + 54, f"Percent of rows forgotten and kept that are still predicted right: {names}", 36
    )


def _labels(marks: Sequence[tuple[Dot, Callable[[float], float], float]], low: float, high: float) -> list[Markup]:
    """Names beside their marks, beyond the seeds; moved up or down where they would overlap, then with a line."""
    parts: list[Markup] = []
    for left in (False, True):
        side = sorted((mark for mark in marks if (mark[1](mark[0].mean) > 0.55) is left), key=lambda mark: mark[2])
        heights = svg.spread([y for _, _, y in side], 16, low, high)
        sign, anchor = (-1, "end") if left else (1, "start")
        for (dot, x, y), height in zip(side, heights, strict=True):
            place = x(min(dot.values) if left else max(dot.values))
            moved = abs(height - y) > 6
            parts.append(
                svg.text(place, height + 4.5, dot.label, anchor=anchor, dx=sign * (24 if moved else 10), role=dot.role)
            )
            if moved:
                parts.append(svg.lead(place, sign * 8, y, sign * 21, height))
    return parts


def dot_plot(
    study: StudyState,
    panels: Sequence[rows.Panel],
    column: rows.Column,
    name: str,
    title: str,
    sub: str,
    *,
    log: bool = False,
) -> Figure | None:
    """One row per method: its seeds, its mean and the mean's value; None where nothing can be drawn."""
    drawn: list[tuple[str, Markup]] = []
    body: list[tuple[str | Markup, ...]] = []
    scaled = factor(column.unit)
    found = [(panel, _dots(study, panel, column)) for panel in panels]
    values = [scaled * value for _, dots in found for dot in dots.values() for value in dot.values]
    usable = [value for value in values if value > 0 or not log]
    if not usable:
        return None
    scale = svg.logarithmic(usable) if log else svg.linear([*usable, 0.0], (0, 100) if column.unit == "share" else None)
    places = decimals([dot.mean for _, dots in found for dot in dots.values()], column.unit)
    for panel, dots in found:
        if dots:
            drawn.append((panel.label, _dot_rows(scale, list(dots.values()), column, places)))
            body += [_number_row(panels, panel, point.label, [dot], column.unit) for point, dot in dots.items()]
    foot = f"Large marks: mean of {_seeds(study)}, its value at the right. Small marks: single seeds."
    if column.timing:
        foot += " Times are not the same in two runs."
    unit = unit_word(column.unit)
    measure = metric_words(column) + (f", {unit}" if unit else "")
    return Figure(
        name, title, sub, tuple(drawn), foot, _number_head(panels, measure), tuple(body), half=len(drawn) == 1
    )


def _dot_rows(scale: svg.Scale, dots: Sequence[Dot], column: rows.Column, places: int) -> Markup:
    scaled = factor(column.unit)
    listed = sorted(dots, key=lambda dot: dot.mean, reverse=True)
    bottom = STEP * len(listed) + 6.0
    left = int(min(150, max(svg.width_of(dot.label) for dot in listed))) + 12
    parts = []
    for tick in scale.ticks:
        parts.append(svg.line(scale(tick), 0, scale(tick), bottom))
        parts.append(svg.text(scale(tick), bottom + 18, svg.tick_text(tick, scale), anchor="middle"))
    references = [scale(scaled * dot.mean) for dot in listed if dot.role == "retrained" and not scale.log]
    parts += [svg.line(place, 0, place, bottom, "reference") for place in references]
    for i, dot in enumerate(listed):
        y = STEP * (i + 0.5) + 3
        parts.append(svg.text(0, y + 4.5, dot.label, anchor="end", dx=-12, role=dot.role))
        parts += [
            svg.mark(dot.role, scale(scaled * value), y, small=True)
            for value in dot.values
            if value > 0 or not scale.log
        ]
        if dot.mean > 0 or not scale.log:
            parts.append(svg.mark(dot.role, scale(scaled * dot.mean), y, hollow=dot.hollow))
        parts.append(svg.text(1, y + 4.5, shown(scaled * dot.mean, places), anchor="end", dx=62, role=dot.role))
    unit = ", ".join(word for word in (unit_word(column.unit), "log scale" if scale.log else "") if word)
    axis = f"{metric_words(column)}{f' ({unit})' if unit else ''} {column.arrow}".strip()
    parts.append(svg.text(0, bottom + 40, axis))
    names = ", ".join(f"{dot.label} {shown(scaled * dot.mean, places)}" for dot in listed)
    return svg.picture(parts, bottom + 48, f"{axis}: {names}", left, 66)


def _cost(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    for metric, what in (("intervention_seconds", "the intervention"), ("train_seconds", "the training")):
        column = _column(panels, metric)
        if column is not None:
            sub = f"CPU seconds of {what} alone, without evaluation, on a logarithmic axis."
            return dot_plot(study, panels, column, "cost", "What does each method cost?", sub, log=True)
    return None


def _first_measure(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    for column in (column for panel in panels for column in panel.columns):
        if not column.timing and not column.at and sum(len(_dots(study, panel, column)) > 1 for panel in panels):
            words = metric_words(column)
            return dot_plot(study, panels, column, "measure", f"How do the methods compare in {words}?", "")
    return None


def metric_words(column: rows.Column) -> str:
    """`intervention_seconds` -> `intervention seconds`; the split follows."""
    return " ".join(word for word in (column.metric.replace("_", " "), column.split, column.at) if word)


def _column(panels: Sequence[rows.Panel], metric: str, split: str | None = None) -> rows.Column | None:
    for panel in panels:
        for column in panel.columns:
            if column.metric == metric and not column.at and split in (None, column.split):
                return column
    return None


def _dots(study: StudyState, panel: rows.Panel, column: rows.Column) -> dict[rows.Point, Dot]:
    """Points of a panel that have the measure; those of a sweep stand in the table only."""
    found = {}
    for point in panel.points:
        values = panel.cells.get((point, column))
        average = panel.mean(point, column)
        finite = tuple(value for value in (values or {}).values() if abs(value) < float("inf"))
        if not point.axes and finite and average is not None and len(finite) == len(values or {}):
            role = rows.role_of(study, point.variant)
            hollow = role == "method" and point.variant not in (study.slug, *study.roles)
            found[point] = Dot(point.label, role, hollow, finite, average)
    return found


def _seeds(study: StudyState) -> str:
    return f"{len(study.seeds)} seeds" if len(study.seeds) > 1 else "one seed"


def _number_head(panels: Sequence[rows.Panel], *measures: str) -> tuple[str, ...]:
    first = ("Setting", "Method") if len(panels) > 1 else ("Method",)
    return (*first, *(words for measure in measures for words in (measure, "each seed")))


def _number_row(
    panels: Sequence[rows.Panel], panel: rows.Panel, label: str, dots: Sequence[Dot], unit: str
) -> tuple[str | Markup, ...]:
    scaled, row = factor(unit), [label]
    cells: list[str | Markup] = [panel.label or "–", *row] if len(panels) > 1 else [*row]
    for dot in dots:
        places = decimals(dot.values, unit)
        cells.append(data(dot.mean, shown(scaled * dot.mean, places)))
        cells.append(joined(data(value, shown(scaled * value, places)) for value in dot.values))
    return tuple(cells)


def sprite(samples: Samples, columns: int = 10) -> tuple[str, int, int] | None:
    """The samples side by side as a PNG data URI, with its width and height in pixels; None without samples."""
    if not samples.images:
        return None
    from PIL import Image

    height, width = len(samples.images[0]), len(samples.images[0][0])
    columns = min(columns, len(samples.images))
    lines = -(-len(samples.images) // columns)
    sheet = Image.new("L", (columns * (width + 2) - 2, lines * (height + 2) - 2), 255)
    for i, image in enumerate(samples.images):
        tile = Image.new("L", (width, height))
        tile.putdata([255 - value for line in image for value in line])
        sheet.paste(tile, (i % columns * (width + 2), i // columns * (height + 2)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=False)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}", *sheet.size
