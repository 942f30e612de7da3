"""One row per method: its seeds, its mean, and the mean's value written beside it; linear or logarithmic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report import rows
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import (
    Cell,
    Dot,
    Figure,
    Panel,
    column_of,
    decades,
    dots,
    metric_words,
    nice,
    number_head,
    number_row,
    seed_words,
    title_of,
)
from neurosieve.report.numbers import data, decimals, duration, factor, shown, significant, unit_word
from neurosieve.report.state import FigureSpec, StudyState

STEP = 26  # pixels between rows
FEW = 5  # runs that a declared figure draws one by one
MANY = 12  # rows of a declared figure that draws means alone


def cost(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """CPU seconds of each method in the first setting that has them, the method's also with its preparation."""
    for metric, what in (("intervention_seconds", "each intervention"), ("train_seconds", "each training")):
        column = column_of(panels, metric)
        panel = next((one for one in panels if column in one.columns and len(dots(study, one, column)) > 1), None)
        if column is None or panel is None:
            continue
        found = [dot for dot in dots(study, panel, column).values() if dot.mean > 0]
        found += _with_preparation(study, panel)
        if not found:
            return None
        found.sort(key=lambda dot: dot.mean, reverse=True)
        where = f", {panel.label}" if len(panels) > 1 else ""
        axis = _Axis("CPU seconds, log scale   ← better", decades(_all(found)), True)
        return Figure(
            "cost",
            title_of(study, "cost", "What does each method cost?"),
            f"CPU seconds of {what}, without evaluation{where}.",
            axis.spec,
            (Panel("", _rows(found, axis, _seconds(found)), _height(found), _said(found, "s", 3)),),
            f"Large: mean of {seed_words(study)}. Small: single seeds. Times are not the same in two runs.",
            number_head((), "CPU s"),
            tuple(number_row((), "", dot.label, [dot], "s") for dot in found),
            half=True,
        )
    return None


def _with_preparation(study: StudyState, panel: rows.Panel) -> list[Dot]:
    """The study's own method with what could be stored before a request (importances)."""
    column = column_of([panel], "intervention_seconds_total")
    found = dots(study, panel, column) if column else {}
    return [
        Dot(f"{dot.label} + preparation", dot.role, True, dot.values, dot.mean)
        for point, dot in found.items()
        if point.variant == study.slug and dot.mean > 0
    ]


def _seconds(found: Sequence[Dot]) -> list[str]:
    """`0.03 s`; of the method also its part of retraining."""
    whole = next((dot.mean for dot in found if dot.role == "retrained"), 0.0)
    texts = []
    for dot in found:
        part = f", 1/{significant(whole / dot.mean, 2)} of retraining" if whole > 2 * dot.mean else ""
        texts.append(duration(dot.mean) + (part if dot.role == "method" and not dot.hollow else ""))
    return texts


def measure(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """A study that forgets nothing: its first measure, one panel per setting."""
    for column in (column for panel in panels for column in panel.columns):
        found = [(panel, list(dots(study, panel, column, whole=False).values())) for panel in panels]
        found = [(panel, listed) for panel, listed in found if len(listed) > 1]
        if column.timing or column.at or not found:
            continue
        words, scaled = metric_words(column), factor(column.unit)
        ticks = nice([scaled * value for _, listed in found for value in _all(listed)])
        unit = unit_word(column.unit)
        axis = _Axis(f"{words}{f', {unit}' if unit else ''}   {column.arrow}".strip(), ticks, False)
        places = decimals([dot.mean for _, listed in found for dot in listed], column.unit)
        drawn: list[Panel] = []
        body: list[tuple[Cell, ...]] = []
        for panel, listed in found:
            listed.sort(key=lambda dot: dot.mean, reverse=True)
            marks = _rows(listed, axis, [shown(scaled * dot.mean, places) for dot in listed], scaled)
            drawn.append(Panel(panel.label, marks, _height(listed), _said(listed, unit, places, scaled)))
            body += [number_row(panels, panel.label, dot.label, [dot], column.unit) for dot in listed]
        return Figure(
            "measure",
            title_of(study, "measure", f"How do the methods compare in {words}?"),
            "",
            axis.spec,
            tuple(drawn),
            f"Large: mean of {seed_words(study)}. Small: single seeds.",
            number_head(panels, f"{words}{f', {unit}' if unit else ''}"),
            tuple(body),
            half=len(drawn) == 1,
        )
    return None


def declared(
    study: StudyState,
    wanted: FigureSpec,
    found: Mapping[str, tuple[str, Mapping[int | None, float]]],
    unit: str,
    arrow: str,
) -> Figure | None:
    """A figure that a study declares with `kind: dots`: of each row its variant and its runs, drawn if they are few."""
    scaled = factor(unit)
    listed = [
        _dot(study, wanted, label, *row) for label, row in found.items() if any(map(math.isfinite, row[1].values()))
    ]
    listed.sort(key=lambda dot: dot.mean, reverse=True)
    if len(listed) < 2:
        return None
    if len(listed) > MANY:  # single runs would lie under the words of their rows
        listed = [replace(dot, values=()) for dot in listed]
    words = wanted.words or wanted.metric.replace("_", " ")
    values = [scaled * value for dot in listed for value in (dot.mean, *dot.values)]
    log = "x" in wanted.log and min(values) > 0
    word = unit_word(unit)
    title = f"{words}{f', {word}' if word else ''}{', log scale' if log else ''}   {arrow}".strip()
    axis = _Axis(title, decades(values) if log else nice(values), log)
    places = decimals([dot.mean for dot in listed], unit)
    texts = [shown(scaled * dot.mean, places) for dot in listed]
    panel = Panel("", _rows(listed, axis, texts, scaled), _height(listed), _said(listed, word, places, scaled))
    body = tuple((dot.label, data(dot.mean, text)) for dot, text in zip(listed, texts, strict=True))
    question = wanted.question or f"How large is {words}?"
    heading = title_of(study, wanted.name, question)
    head = (wanted.by.replace("_", " "), words)
    foot = _runs(wanted, [len(row) for _, row in found.values()], any(dot.values for dot in listed))
    return Figure(wanted.name, heading, wanted.sub, axis.spec, (panel,), foot, head, body, half=True)


def _runs(wanted: FigureSpec, counts: Sequence[int], drawn: bool) -> str:
    """What a dot shows, and of how many runs."""
    if drawn:
        return "Large: mean. Small: single runs."
    if max(counts) == 1:
        return ""
    several = f"{min(counts)} to {max(counts)}" if min(counts) < max(counts) else f"{max(counts)}"
    return f"{'Root mean square' if wanted.over == 'rms' else 'Mean'} of {several} runs."


def _dot(study: StudyState, wanted: FigureSpec, label: str, variant: str, runs: Mapping[int | None, float]) -> Dot:
    """One row; runs are kept where they are few and say what the dot says."""
    values = [value for value in runs.values() if math.isfinite(value)]
    rms = wanted.over == "rms"
    average = math.sqrt(sum(value**2 for value in values) / len(values)) if rms else sum(values) / len(values)
    few = () if rms or len(values) == 1 or len(values) > FEW else tuple(values)
    return Dot(label, rows.role_of(study, variant), False, few, average, tuple(runs))


class _Axis:
    """A measure's axis: title, ticks, whether logarithmic."""

    def __init__(self, title: str, ticks: list[float], log: bool) -> None:
        self.title, self.ticks, self.log = title, ticks, log

    @property
    def spec(self) -> dict[str, Any]:
        names = {"@title": self.title, "@ticks": self.ticks, "@low": self.ticks[0], "@high": self.ticks[-1]}
        return theme.filled(_template(self.log), names)

    def share(self, value: float) -> float:
        """Where a value lies, 0..1 of the axis."""
        low, high = self.ticks[0], self.ticks[-1]
        if self.log:
            return (math.log10(value) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return (value - low) / (high - low)


@cache
def _template(log: bool) -> dict[str, Any]:
    ends = ["@low", "@high"]
    scale = alt.Scale(domain=ends, type="log") if log else alt.Scale(domain=ends, zero=False)
    ticks = alt.Axis(values=["@ticks"], format="~g") if log else alt.Axis(values=["@ticks"])
    x = alt.X("value:Q", title="@title", scale=scale, axis=ticks)
    names = alt.Axis(grid=False, labelColor=theme.INK, labelFontSize=13, labelLimit=200)
    y = alt.Y("name:N", title=None, sort=None, axis=names)
    means = theme.rows("means")
    runs = theme.rows("runs").mark_point(size=22, opacity=0.55)
    return theme.template(
        alt.layer(
            means.mark_point(size=90, strokeWidth=1.6).encode(
                x=x, y=y, fill=theme.fill_or_hollow(), stroke=theme.stroke(), shape=theme.shape(),
                tooltip=["name:N", "text:N"],
            ),
            runs.encode(x=x, y=y, color=theme.colour(), shape=theme.shape()),
            theme.words(means, 12.5).encode(x=x, y=y, text="text:N", color=theme.text_colour()),
        )
    )  # fmt: skip


def _rows(
    found: Sequence[Dot], axis: _Axis, texts: Sequence[str], scaled: float = 1.0
) -> dict[str, list[dict[str, Any]]]:
    means = []
    for dot, text in zip(found, texts, strict=True):
        value = scaled * dot.mean
        row = {"name": dot.label, "role": dot.role, "value": theme.rounded(value), "text": text}
        side = "right" if axis.share(value) > 0.6 else "left"
        means.append(row | {"side": side} | ({"hollow": True} if dot.hollow else {}))
    runs = [
        {"name": dot.label, "role": dot.role, "value": theme.rounded(scaled * value)}
        for dot in found
        for value in dot.values
        if value > 0 or not axis.log
    ]
    return {"means": means, "runs": runs}


def _height(found: Sequence[Dot]) -> int:
    return max(120, STEP * len(found))


def _all(found: Sequence[Dot]) -> list[float]:
    return [value for dot in found for value in (*dot.values, dot.mean) if value > 0] or [1.0]


def _said(found: Sequence[Dot], unit: str, places: int, scaled: float = 1.0) -> str:
    names = ", ".join(f"{dot.label} {shown(scaled * dot.mean, places)}" for dot in found)
    return f"By method{f', {unit}' if unit else ''}: {names}"
