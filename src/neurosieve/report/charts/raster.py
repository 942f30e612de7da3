"""Sequences under each other: which state (or value) each place has, one lane per variant or value of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

import altair as alt

from neurosieve.report import rows
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Cell, Figure, Panel, title_of
from neurosieve.report.numbers import shown
from neurosieve.report.state import FigureSpec, Series, StudyState

LANE = 34  # pixels
MOST = 6  # colours of the ramp


def figure(study: StudyState, wanted: FigureSpec) -> Figure | None:
    """Lanes of the first run; None where no item of the metric was kept. Values are binned into at most six colours."""
    lanes = _lanes(study, wanted)
    if not lanes:
        return None
    values = sorted({value for _, one in lanes for value in one.y})
    edges = values if len(values) <= MOST else [values[0] + (values[-1] - values[0]) * i / MOST for i in range(MOST)]
    segments = [segment for name, one in lanes for segment in _segments(name, one, edges)]
    places = [place for _, one in lanes for place in one.x]
    along = wanted.x_words or wanted.x.replace("_", " ")
    names = {"@x": along, "@first": min(places), "@last": max(places) + 1}
    names |= {"@steps": list(range(len(edges))), "@lanes": [name for name, _ in lanes]}
    names |= {"@colours": [f"var(--seq-{_step(i, len(edges))})" for i in range(len(edges))]}
    said = "; ".join(f"{name}: {_words(one)}" for name, one in lanes)
    panel = Panel("", {"lanes": segments}, max(90, LANE * len(lanes)), f"{wanted.metric} along {along}. {said}")
    return Figure(
        wanted.name,
        title_of(
            study, wanted.name, wanted.question or f"What is the {wanted.metric.replace('_', ' ')} along {along}?"
        ),
        wanted.sub,
        theme.filled(_template(), names),
        (panel,),
        f"One run: seed {lanes[0][1].seed}. Each colour is one value; lanes share the colours.",
        (wanted.by.replace("_", " "), along, wanted.metric.replace("_", " ")),
        tuple(_numbers(lanes)),
    )


def _lanes(study: StudyState, wanted: FigureSpec) -> list[tuple[str, Series]]:
    """The first run of each lane, in the order of the study's file."""
    found: dict[str, Series] = {}
    for one in study.series:
        variant, axes = rows.place_of(one.variant, one.at)
        axes |= {"variant": variant, "split": one.split}
        asked = one.metric == wanted.metric and (not wanted.variants or variant in wanted.variants)
        if asked and all(axes.get(name) == str(value) for name, value in wanted.at.items()):
            found.setdefault(axes.get(wanted.by, variant), one)
    return list(found.items())


def _segments(name: str, one: Series, edges: Sequence[float]) -> list[dict[str, Any]]:
    """Runs of places in one bin, as long bars: a sequence changes seldom."""
    pairs = sorted(zip(one.x, one.y, strict=True))
    found = []
    for step, group in groupby(pairs, key=lambda pair: sum(pair[1] >= edge for edge in edges) - 1):
        listed = list(group)
        found.append({"lane": name, "x": listed[0][0], "x2": listed[-1][0] + 1, "s": step})
    return found


def _step(place: int, count: int) -> int:
    """Colours spread over the ramp, the darkest last."""
    return MOST if count == 1 else 1 + round(place * (MOST - 1) / (count - 1))


def _words(one: Series) -> str:
    shares = [(value, one.y.count(value) / len(one.y)) for value in sorted(set(one.y))]
    return ", ".join(f"{shown(value, 0)} in {shown(100 * share, 0)} %" for value, share in shares[:MOST])


def _numbers(lanes: Sequence[tuple[str, Series]]) -> list[tuple[Cell, ...]]:
    """Every change of value; their rows lie in `items.parquet`."""
    listed: list[tuple[Cell, ...]] = []
    for name, one in lanes:
        for value, group in groupby(sorted(zip(one.x, one.y, strict=True)), key=lambda pair: pair[1]):
            listed.append((name, f"from {next(iter(group))[0]:g}", f"{value:g}"))
    return listed[:60]


@cache
def _template() -> dict[str, Any]:
    x = alt.X("x:Q", title="@x", scale=alt.Scale(domain=["@first", "@last"], nice=False), axis=alt.Axis(grid=False))
    y = alt.Y(
        "lane:N",
        title=None,
        scale=alt.Scale(domain=["@lanes"], padding=0.15),
        axis=alt.Axis(grid=False, labelLimit=160),
    )
    colour = alt.Color("s:O", legend=None, scale=alt.Scale(domain=["@steps"], range=["@colours"]))
    return theme.template(theme.rows("lanes").mark_bar().encode(x=x, x2="x2:Q", y=y, color=colour))
