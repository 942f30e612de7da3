"""The forgetting map: accuracy on the rows kept over accuracy on the rows forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    dots,
    nice,
    number_head,
    number_row,
    seed_words,
    title_of,
)
from neurosieve.report.numbers import interval, shown
from neurosieve.report.state import StudyState

HEIGHT = 300
GAP = 15.5  # pixels between labels
Pairs = Sequence[tuple[Dot, Dot]]


def forgetting_map(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """One panel per setting, all on the same axes; None where either accuracy was not measured."""
    kept, lost = column_of(panels, "accuracy", "retain"), column_of(panels, "accuracy", "forget")
    if kept is None or lost is None:
        return None
    body: list[tuple[Cell, ...]] = []
    found: list[tuple[str, Pairs]] = []
    for panel in panels:
        across, up = dots(study, panel, lost), dots(study, panel, kept)
        pairs = [(across[point], up[point]) for point in up if point in across]
        if pairs:
            found.append((panel.label, pairs))
            body += [number_row(panels, panel.label, a.label, [a, b], "share") for a, b in pairs]
    if not found:
        return None
    ticks = nice([100 * value for _, pairs in found for _, up in pairs for value in (*up.values, up.mean)], (0, 100))
    low, high = ticks[0], ticks[-1]
    drawn = tuple(Panel(label, _rows(pairs, low, high), HEIGHT, _label(pairs)) for label, pairs in found)
    return Figure(
        "map",
        title_of(study, "map", "How much is forgotten, and how much is kept?"),
        "Accuracy on the rows kept over accuracy on the rows forgotten, test rows. The goal is where retrained lies.",
        theme.filled(_template(), {"@ticks": ticks, "@low": low, "@high": high}),
        drawn,
        f"Large: mean of {seed_words(study)}. Small: single seeds. Bars: 95 % t-interval over the seeds, cut at the "
        "edges. Hollow: variants of the method.",
        number_head(panels, "forgotten, %", "kept, %"),
        tuple(body),
        half=len(drawn) == 1,
    )


def _label(pairs: Pairs) -> str:
    names = ", ".join(f"{a.label} {shown(100 * a.mean, 1)} and {shown(100 * b.mean, 1)}" for a, b in pairs)
    return f"Percent of rows forgotten and kept that are still predicted right: {names}"


def _rows(pairs: Pairs, low: float, high: float) -> dict[str, list[dict[str, Any]]]:
    return {
        "means": [_mean_row(a, b, low, high) for a, b in pairs],
        "runs": [row for a, b in pairs for row in _run_rows(a, b)],
        "labels": _labels(pairs, low, high),
    }


@cache
def _template() -> dict[str, Any]:
    x = alt.X(
        "lost:Q",
        title="accuracy on rows forgotten, %   → retrained",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(values=[0, 25, 50, 75, 100]),
    )
    y = alt.Y(
        "kept:Q",
        title="accuracy on rows kept, %   ↑ better",
        scale=alt.Scale(domain=["@low", "@high"]),
        axis=alt.Axis(values=["@ticks"]),
    )
    means, labels = theme.rows("means"), theme.rows("labels")
    bars = means.mark_rule(strokeWidth=1.2, opacity=0.7)
    tips = [
        alt.Tooltip("name:N", title="method"),
        alt.Tooltip("kept:Q", format=".1f", title="kept, %"),
        alt.Tooltip("lost:Q", format=".1f", title="forgotten, %"),
    ]
    runs = theme.rows("runs").mark_point(size=22, opacity=0.55)
    lead = labels.transform_filter("datum.lead > 0").mark_rule(
        strokeWidth=1, color=theme.INK3, opacity=0.5, x2Offset=alt.ExprRef(f"0.8 * ({theme.BESIDE})")
    )
    # the outline keeps a mark apart from its neighbours; a hollow one is outlined in its own colour
    return theme.template(
        alt.layer(
            bars.encode(x=_x("lost_low"), x2="lost_high:Q", y=y, color=theme.colour()),
            bars.encode(x=x, y=_y("kept_low"), y2="kept_high:Q", color=theme.colour()),
            runs.encode(x=x, y=y, color=theme.colour(), shape=theme.shape()),
            lead.encode(x=_x("x"), x2="edge:Q", y=_y("from"), y2="to:Q"),
            means.mark_point(size=90, strokeWidth=1.6).encode(
                x=x, y=y, fill=theme.fill_or_hollow(), stroke=theme.stroke(), shape=theme.shape(), tooltip=tips
            ),
            *_names(labels),
        )
    )


def _names(labels: alt.Chart) -> list[Any]:
    """Names beside their marks, each on a ground that keeps it apart from bars and grid."""
    place = {"x": _x("edge"), "y": _y("to"), "text": alt.Text("name:N")}
    ground = theme.words(labels, stroke="var(--bg)", strokeWidth=3.5, strokeJoin="round")
    return [
        ground.encode(**place, color=alt.value("var(--bg)")),
        theme.words(labels).encode(**place, color=theme.text_colour()),
    ]


def _x(field: str) -> alt.X:
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=[0, 100]))


def _y(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=["@low", "@high"]))


def _mean_row(lost: Dot, kept: Dot, low: float, high: float) -> dict[str, Any]:
    across = interval(lost.values) or (lost.mean, lost.mean)
    up = interval(kept.values) or (kept.mean, kept.mean)
    ends = {
        "lost_low": max(0.0, 100 * across[0]),
        "lost_high": min(100.0, 100 * across[1]),
        "kept_low": max(low, 100 * up[0]),
        "kept_high": min(high, 100 * up[1]),
        "lost": 100 * lost.mean,
        "kept": 100 * kept.mean,
    }
    known: dict[str, Any] = {name: theme.rounded(value) for name, value in ends.items()}
    return known | {"name": lost.label, "role": lost.role} | ({"hollow": True} if lost.hollow else {})


def _run_rows(lost: Dot, kept: Dot) -> list[dict[str, Any]]:
    return [
        {"lost": theme.rounded(100 * a), "kept": theme.rounded(100 * b), "role": lost.role}
        for a, b in zip(lost.values, kept.values, strict=False)
    ]


def _labels(pairs: Pairs, low: float, high: float) -> list[dict[str, Any]]:
    """A name beside each mark, where it covers neither a mark nor another name on a narrow screen; then with a line."""
    boxes = [_Box.at(100 * a.mean, 100 * b.mean, low, high) for a, b in pairs]
    listed: list[dict[str, Any]] = []
    for a, b in sorted(pairs, key=lambda pair: (-pair[1].mean, pair[0].mean)):
        options = [
            _Place(a, b, left, near, rows_, low, high)
            for rows_ in _UP_AND_DOWN
            for left in (False, True)
            for near in (False, True)
        ]
        best = min(options, key=lambda one: one.cost(boxes))
        boxes.append(best.box)
        listed.append(best.row)
    return listed


_UP_AND_DOWN = (0.0, *(sign * step / 2 for step in range(1, 15) for sign in (1, -1)))
"""Distances of a name from its mark, in lines."""
NARROW = 270.0  # pixels: width of the plot on a phone


@dataclass(frozen=True)
class _Box:
    """A rectangle in pixels of a narrow plot: left, right, top, bottom."""

    left: float
    right: float
    top: float
    bottom: float

    @staticmethod
    def at(x: float, y: float, low: float, high: float) -> _Box:
        """The mark at these values."""
        across, down = x / 100 * NARROW, (high - y) / (high - low) * HEIGHT
        return _Box(across - 7, across + 7, down - 7, down + 7)

    def covers(self, other: _Box) -> float:
        """Area shared with another rectangle."""
        wide = min(self.right, other.right) - max(self.left, other.left)
        tall = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, wide) * max(0.0, tall)


class _Place:
    """One place for a name: beyond the seeds on one side, or `near` the mean among them; some lines up or down."""

    def __init__(self, lost: Dot, kept: Dot, left: bool, near: bool, lines: float, low: float, high: float) -> None:
        self.left, self.near, self.lines = left, near, lines
        edge = 100 * (lost.mean if near else min(lost.values) if left else max(lost.values))
        down = (high - 100 * kept.mean) / (high - low) * HEIGHT + lines * GAP
        start = edge / 100 * NARROW + (-10 if left else 10)
        width = 7.4 * len(lost.label)
        self.box = _Box(start - width * left, start + width * (not left), down - 7, down + 7)
        self.row: dict[str, Any] = {
            "name": lost.label,
            "role": lost.role,
            "x": theme.rounded(100 * lost.mean),
            "edge": theme.rounded(edge),
            "from": theme.rounded(100 * kept.mean),
            "to": theme.rounded(high - down / HEIGHT * (high - low)),
            "side": "right" if left else "left",
        } | ({"lead": 1} if lines else {})

    def cost(self, boxes: Sequence[_Box]) -> float:
        """Pixels covered, outside the plot before all, then the distance."""
        outside = max(0.0, -self.box.left, self.box.right - NARROW - 8, -self.box.top, self.box.bottom - HEIGHT)
        return (
            50 * outside
            + 2 * sum(self.box.covers(box) for box in boxes)
            + 6 * abs(self.lines)
            + 4 * self.left
            + 8 * self.near
        )
