"""Curves along an axis: means with their runs or intervals, theory dashed, names at the ends of the curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report import rows
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Panel, as_number, decades, nice
from neurosieve.report.numbers import interval, mean, shown, unit_word
from neurosieve.report.state import FigureSpec, StudyState

HEIGHT = 230
FEW = 5  # runs that are drawn one by one
NEAR = 15  # pixels between two names
SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross")
Curves = Mapping[str, Mapping[str, Mapping[int | None, float]]]


@dataclass(frozen=True)
class Look:
    """Colour and shape of a curve, and what is written at its end."""

    colour: str
    shape: str
    name: str
    hollow: bool = False


@dataclass(frozen=True)
class Axes:
    """What both axes say; `places` maps what the rows call a place on x to where it lies."""

    x: str
    y: str
    measure: str
    places: Mapping[str, float]
    ticks: Sequence[float]
    numeric: bool
    log_x: bool
    log_y: bool


def axes(wanted: FigureSpec, places: Sequence[str], values: Sequence[float], unit: str, arrow: str = "") -> Axes:
    """Axes of a figure from all its values; places that are no numbers lie side by side in their order."""
    found = [as_number(place) for place in places]
    numbers = None if None in found else [number for number in found if number is not None]
    positive = [value for value in values if value > 0 and math.isfinite(value)]
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    log_y = "y" in wanted.log and bool(positive)
    if log_y:
        ticks = decades(positive)
    elif unit == "share":
        ticks = nice(finite, (0.0, 100.0))
    else:
        ticks = nice(finite)
    measure = wanted.words or wanted.metric.replace("_", " ")
    word = unit_word(unit)
    return Axes(
        wanted.x_words or wanted.x.replace("_", " "),
        f"{measure}{f', {word}' if word else ''}{f'   {arrow}' if arrow else ''}",
        measure,
        dict(zip(places, numbers or range(len(places)), strict=True)),
        ticks,
        numbers is not None,
        "x" in wanted.log and numbers is not None and min(numbers) > 0,
        log_y,
    )


def looks(study: StudyState, names: Sequence[str], by: str) -> dict[str, Look]:
    """Roles' colours where curves are variants, one blue ramp where they are values of an axis."""
    if by == "variant" or len(names) == 1:
        found: dict[str, Look] = {}
        for name in names:
            role = rows.role_of(study, name) if by == "variant" else "method"
            again = sum(look.colour == theme.ROLE[role] for look in found.values())
            shape = theme.SHAPE[role] if again < 2 else SHAPES[again % len(SHAPES)]
            found[name] = Look(theme.ROLE[role], shape, name, again % 2 == 1)
        return found
    # the paler half of the ramp would be too faint for lines, on either ground
    steps = [4 + round(2 * i / max(1, len(names) - 1)) for i in range(len(names))]
    word = by.replace("_", " ")
    return {
        name: Look(f"var(--seq-{step})", SHAPES[i % len(SHAPES)], f"{word} {name}")
        for i, (name, step) in enumerate(zip(names, steps, strict=True))
    }


def panel(title: str, curves: Curves, theory: Curves, axes: Axes, looks: Mapping[str, Look], scaled: float) -> Panel:
    """One panel's rows."""
    means, runs, bars = [], [], []
    for name, points in curves.items():
        for place, by in points.items():
            values = [scaled * value for value in by.values() if math.isfinite(value)]
            if not values or (axes.log_y and min(values) <= 0):
                continue
            at = {"c": name, "x": axes.places[place]}
            hollow = {"hollow": True} if looks[name].hollow else {}
            named = {} if axes.numeric else {"place": place}
            means.append(at | {"y": theme.rounded(mean(values) or 0.0)} | named | hollow)
            if 1 < len(values) <= FEW:
                runs += [at | {"y": theme.rounded(scaled * v), "run": f"{name} {s}"} for s, v in by.items()]
            elif ends := interval(values) if len(values) > FEW else None:
                bars.append(at | {"low": theme.rounded(ends[0]), "high": theme.rounded(ends[1])})
    expected = _theory(curves, theory, axes, scaled)
    for listed in (means, runs, bars, expected):
        listed.sort(key=lambda row: (str(row["c"]), row["x"]))
    drawn = {"means": means, "runs": runs, "bars": bars, "theory": expected, "names": _names(means, axes, looks)}
    return Panel(title, drawn, HEIGHT, _said(means, axes))


def _theory(curves: Curves, theory: Curves, axes: Axes, scaled: float) -> list[dict[str, Any]]:
    """Rows of the dashed lines; `part` counts their pieces: a line ends where a measured place has no theory."""
    found = []
    for name, points in theory.items():
        known = {place: mean(by.values()) for place, by in points.items() if place in axes.places}
        part = 0
        for place in sorted(known.keys() | curves.get(name, {}).keys(), key=axes.places.__getitem__):
            value = known.get(place)
            if value is None or not math.isfinite(value):
                part += 1
            else:
                found.append({"c": name, "x": axes.places[place], "y": theme.rounded(scaled * value), "part": part})
    return found


def _names(means: Sequence[dict[str, Any]], axes: Axes, looks: Mapping[str, Look]) -> list[dict[str, Any]]:
    """Each curve's name right of its last point, moved up or down where another name is near."""
    last = {row["c"]: row for row in sorted(means, key=lambda row: row["x"])}
    if len(last) < 2:
        return []
    height = {name: _share(row["y"], axes) * HEIGHT for name, row in last.items()}
    placed: list[float] = []
    found = []
    for name in sorted(last, key=lambda name: height[name]):
        at = max(height[name], placed[-1] + NEAR if placed else 0.0)
        placed.append(at)
        found.append({**last[name], "t": looks[name].name, "dy": round(height[name] - at)})
    return found


def _share(value: float, axes: Axes) -> float:
    """Where a value lies on y, 0..1."""
    low, high = axes.ticks[0], axes.ticks[-1]
    if axes.log_y:
        value, low, high = math.log10(value), math.log10(low), math.log10(high)
    return (value - low) / (high - low)


def _said(means: Sequence[dict[str, Any]], axes: Axes) -> str:
    texts = []
    for name in dict.fromkeys(row["c"] for row in means):
        own = [row for row in means if row["c"] == name]
        values = ", ".join(
            f"{shown(row['y'], 2)} at {row.get('place', row['x'])}" for row in own[:: max(1, len(own) // 6)]
        )
        texts.append(f"{name}: {values}")
    return f"{axes.y} over {axes.x}. {'; '.join(texts)}"


def spec(axes: Axes, looks: Mapping[str, Look]) -> dict[str, Any]:
    """The drawing that every panel of the figure shares."""
    places = list(axes.places.values())
    low, high = min(places), max(places)
    pad = (high / low) ** 0.05 if axes.log_x else 0.05 * (high - low) or 0.5
    ends = (low / pad, high * pad) if axes.log_x else (low - pad, high + pad)
    shown_at = places if len(places) <= 6 else decades(places) if axes.log_x else nice(places)
    names = {
        "@x": f"{axes.x}{', log scale' if axes.log_x else ''}",
        "@y": f"{axes.y}{', log scale' if axes.log_y else ''}",
        "@first": ends[0],
        "@last": ends[1],
        "@places": [place for place in shown_at if ends[0] <= place <= ends[1]],
        "@labels": "format(datum.value, '~g')" if axes.numeric else _words(axes),
        "@low": axes.ticks[0],
        "@high": axes.ticks[-1],
        "@ticks": list(axes.ticks),
        "@names": list(looks),
        "@colours": [look.colour for look in looks.values()],
        "@shapes": [look.shape for look in looks.values()],
    }
    filled: dict[str, Any] = theme.filled(_template(axes.log_x, axes.log_y), names)
    longest = max(len(look.name) for look in looks.values()) if len(looks) > 1 else 0
    return filled | {"padding": {**filled["padding"], "right": 6 + round(7.2 * longest)}}


def _words(axes: Axes) -> str:
    """Vega expression that names the places of an axis without numbers."""
    listed = ",".join(f"'{place}'" for place in axes.places)
    return f"[{listed}][datum.value]"


@cache
def _template(log_x: bool, log_y: bool) -> dict[str, Any]:
    along = (
        alt.Scale(domain=["@first", "@last"], type="log")
        if log_x
        else alt.Scale(domain=["@first", "@last"], zero=False)
    )
    up = alt.Scale(domain=["@low", "@high"], type="log") if log_y else alt.Scale(domain=["@low", "@high"], zero=False)
    left = alt.Axis(values=["@ticks"], format="~g") if log_y else alt.Axis(values=["@ticks"])
    bottom = alt.Axis(values=["@places"], grid=False, labelExpr="@labels", labelOverlap=True)
    x = alt.X("x:Q", title="@x", scale=along, axis=bottom)
    y = alt.Y("y:Q", title="@y", scale=up, axis=left)
    colour = alt.Color("c:N", legend=None, scale=alt.Scale(domain=["@names"], range=["@colours"]))
    fill = alt.Fill("c:N", legend=None, scale=alt.Scale(domain=["@names"], range=["@colours"]))
    stroke = alt.Stroke("c:N", legend=None, scale=alt.Scale(domain=["@names"], range=["@colours"]))
    shape = alt.Shape("c:N", legend=None, scale=alt.Scale(domain=["@names"], range=["@shapes"]))
    means, runs, bars = theme.rows("means"), theme.rows("runs"), theme.rows("bars")
    tips = [
        alt.Tooltip("c:N", title="curve"),
        alt.Tooltip("place:N", title="@x"),
        alt.Tooltip("y:Q", format=".3~g", title="mean"),
    ]
    dashed = theme.rows("theory").mark_line(strokeDash=[5, 3], strokeWidth=1.4, color=theme.INK)
    names = theme.rows("names").mark_text(align="left", dx=9, dy=alt.ExprRef("datum.dy"), fontSize=13)
    return theme.template(
        alt.layer(
            dashed.encode(x=x, y=y, detail=["c:N", "part:N"]),
            runs.mark_line(strokeWidth=1, opacity=0.35).encode(x=x, y=y, detail="run:N", color=colour),
            bars.mark_rule(strokeWidth=1.4).encode(
                x=x, y=alt.Y("low:Q", scale=up, title="@y"), y2="high:Q", color=colour
            ),
            means.mark_line(strokeWidth=2.2).encode(x=x, y=y, color=colour),
            means.mark_point(size=46, strokeWidth=1.6).encode(
                x=x, y=y, stroke=stroke, shape=shape, tooltip=tips,
                fill=alt.condition("!datum.hollow", fill, alt.value("var(--bg)")),
            ),
            names.encode(x=x, y=y, text="t:N"),
        )
    )  # fmt: skip
