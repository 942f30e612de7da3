"""Membership per seed: what an attack still finds in the original, the retrained and the dampened network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report import rows
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Cell, Figure, Panel, column_of, dots, number_head, number_row, title_of
from neurosieve.report.numbers import shown
from neurosieve.report.state import StudyState

STEP = 44
TOUCH = 24.0  # percentage points between two marks whose names would touch on a phone


def membership(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """A row per seed (what it forgets, where that is known), three marks on it; None without a measured attack."""
    column = column_of(panels, "mia_success")
    if column is None:
        return None
    drawn: list[Panel] = []
    body: list[tuple[Cell, ...]] = []
    for panel in panels:
        found = dots(study, panel, column)
        body += [number_row(panels, panel.label, dot.label, [dot], "share") for dot in found.values()]
        kept = {
            point: dot
            for point, dot in found.items()
            if dot.role in ("original", "retrained") or point.variant == study.slug
        }
        marks = [
            {"row": _row_name(study, panel, seed), "name": dot.label, "role": dot.role, "value": theme.rounded(100 * v)}
            for dot in kept.values()
            for seed, v in zip(dot.seeds, dot.values, strict=True)
        ]
        if len(kept) > 1 and marks:
            rows_ = list(dict.fromkeys(mark["row"] for mark in marks))
            labels = _labels([mark for mark in marks if mark["row"] == rows_[0]])
            height = max(96, STEP * len(rows_))
            drawn.append(Panel(panel.label, {"marks": marks, "labels": labels}, height, _said(marks)))
    if not drawn:
        return None
    return Figure(
        "membership",
        title_of(study, "membership", "What does a membership attack still find?"),
        "Forgotten training rows that the attack calls members. The reference is retrained, which never saw them: "
        "nearer is better, on either side.",
        _template(),
        tuple(drawn),
        "One run per mark; every seed is its own row. No interval is drawn: the runs are all there.",
        number_head(panels, "called members, %"),
        tuple(body),
        half=len(drawn) == 1,
    )


def _row_name(study: StudyState, panel: rows.Panel, seed: int | None) -> str:
    """`label = 12 (seed 11)`, else the seed alone."""
    rules = study.forgotten.get(panel_key(panel), study.forgotten.get("", {}))
    rule = rules.get(seed, "")
    several = len(set(rules.values())) == len(rules) > 1
    return rule if rule and several and len(rule) <= 24 else f"seed {seed}" if seed is not None else "all seeds"


def panel_key(panel: rows.Panel) -> str:
    """`setting=random`: a panel's axes as the view model writes them."""
    return ",".join(f"{axis}={value}" for axis, value in panel.axes)


@cache
def _template() -> dict[str, Any]:
    x = alt.X(
        "value:Q",
        title="called members, %   → retrained",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(values=[0, 25, 50, 75, 100]),
    )
    names = alt.Axis(grid=False, labelColor=theme.INK, labelFontSize=13, labelPadding=12, labelLimit=170)
    y = alt.Y("row:N", title=None, sort=None, axis=names)
    marks, labels = theme.rows("marks"), theme.rows("labels")
    tips = [
        alt.Tooltip("name:N", title="method"),
        alt.Tooltip("row:N", title="run"),
        alt.Tooltip("value:Q", format=".1f", title="called members, %"),
    ]
    gap = marks.transform_filter("datum.role != 'original'").mark_line(strokeWidth=1.5, color=theme.INK3)
    return theme.template(
        alt.layer(
            gap.encode(x=x, y=y, detail="row:N"),
            marks.mark_point(size=90, stroke="var(--bg)", strokeWidth=1).encode(
                x=x, y=y, fill=theme.fill(), shape=theme.shape(), tooltip=tips
            ),
            theme.words(labels, dx="0", dy="datum.dy").encode(x=x, y=y, text="name:N", color=theme.text_colour()),
        )
    )


def _labels(marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names above their marks, the method's below; two that would touch grow away from each other."""
    above = sorted((mark for mark in marks if mark["role"] != "method"), key=lambda mark: mark["value"])
    labels = [mark | {"side": _inwards(mark["value"]), "dy": 16} for mark in marks if mark["role"] == "method"]
    crowded = len(above) > 1 and above[-1]["value"] - above[0]["value"] < TOUCH
    for place, mark in enumerate(above):
        side = ("right", "left")[min(place, 1)] if crowded else _inwards(mark["value"])
        # at the edge there is no room to grow away: the second name stands higher
        edge = crowded and _inwards(above[0]["value"]) == _inwards(above[-1]["value"]) != "center"
        labels.append(mark | {"side": _inwards(mark["value"]) if edge else side, "dy": -15 - 15 * (edge and place > 0)})
    return labels


def _inwards(value: float) -> str:
    return "left" if value < 15 else "right" if value > 85 else "center"


def _said(marks: list[dict[str, Any]]) -> str:
    names = "; ".join(f"{mark['name']}, {mark['row']}: {shown(mark['value'], 1)}" for mark in marks)
    return f"Percent of the forgotten rows that the attack calls members: {names}"
