"""The one theme of all charts: roles' colours and shapes as CSS variables, type, grid; nothing sets them elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import altair as alt

from neurosieve.report.state import Role

INK, INK2, INK3, LINE = "var(--ink)", "var(--ink-2)", "var(--ink-3)", "var(--line)"
ROLE: dict[Role, str] = {
    "original": "var(--role-original)",
    "retrained": "var(--role-retrained)",
    "method": "var(--role-method)",
    "baseline": "var(--role-baseline)",
}
TEXT: dict[Role, str] = {
    "original": INK,
    "retrained": "var(--text-retrained)",
    "method": "var(--text-method)",
    "baseline": "var(--text-baseline)",
}
SHAPE: dict[Role, str] = {
    "original": "square",
    "retrained": "diamond",
    "method": "circle",
    "baseline": "triangle-up",
}
SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif'
CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": SANS,
    "aria": False,
    "view": {"stroke": None},
    "text": {"font": SANS, "fontSize": 13, "fill": INK},
    "axis": {
        "labelFont": SANS,
        "titleFont": SANS,
        "labelFontSize": 12.5,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "labelColor": INK2,
        "titleColor": INK2,
        "domain": False,
        "ticks": False,
        "labelPadding": 6,
        "gridColor": LINE,
        "gridWidth": 1,
        "titlePadding": 8,
        "labelFlush": False,
    },
    "axisY": {
        "titleAngle": 0,
        "titleAlign": "left",
        "titleAnchor": "end",
        "titleY": -14,
        "titleX": 0,
        "titleBaseline": "bottom",
    },
    "axisX": {"titleAnchor": "start"},
    "rule": {"stroke": INK},
    "point": {"size": 70, "filled": True, "opacity": 1},
    "line": {"strokeWidth": 2},
    "range": {"category": list(ROLE.values()), "symbol": list(SHAPE.values())},
}
BESIDE = "datum.side == 'left' ? 11 : -11"
ROLES: list[Role] = list(ROLE)


def colour() -> alt.Color:
    """Mark colour by the field `role`; the ranges of colours and shapes are the theme's."""
    return alt.Color("role:N", legend=None, scale=alt.Scale(domain=ROLES))


def fill() -> alt.Fill:
    """Fill by role."""
    return alt.Fill("role:N", legend=None, scale=alt.Scale(domain=ROLES))


def fill_or_hollow() -> Any:
    """Fill by role; the background where the field `hollow` is true (a variant of the study's method)."""
    return alt.condition("!datum.hollow", fill(), alt.value("var(--bg)"))


def stroke() -> alt.Stroke:
    """Outline by role."""
    return alt.Stroke("role:N", legend=None, scale=alt.Scale(domain=ROLES))


def shape() -> alt.Shape:
    """Mark shape by role: square, diamond, circle, triangle."""
    return alt.Shape("role:N", legend=None, scale=alt.Scale(domain=ROLES))


def text_colour() -> Any:
    """Colour of a label: darker than its mark. A chain of conditions, since layers share one colour scale."""
    chain = alt.when("datum.role == 'method'").then(alt.value(TEXT["method"]))
    for role in ("retrained", "baseline"):
        chain = chain.when(f"datum.role == '{role}'").then(alt.value(TEXT[role]))
    return chain.otherwise(alt.value(INK))


def rows(name: str) -> alt.Chart:
    """A chart of the panel's own rows of this name."""
    return alt.Chart(alt.NamedData(name=name))


def template(chart: Any) -> dict[str, Any]:
    """A chart as wide as its box, without data, theme and address: panels bring the data, the page the theme."""
    made = chart.properties(width="container").to_dict()
    kept = {name: value for name, value in made.items() if name not in ("config", "$schema")}
    return kept | {
        "padding": {"left": 0, "right": 6, "top": 4, "bottom": 0},
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def filled(spec: Any, names: Mapping[str, Any]) -> Any:
    """A template with `@name` replaced by its value; a list of one such name becomes the value where it is a list."""
    if isinstance(spec, str):
        return names.get(spec, spec)
    if isinstance(spec, dict):
        return {key: filled(value, names) for key, value in spec.items()}
    if isinstance(spec, list):
        if len(spec) == 1 and isinstance(spec[0], str) and isinstance(names.get(spec[0]), list):
            return names[spec[0]]
        return [filled(one, names) for one in spec]
    return spec


def as_json(value: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def words(rows: alt.Chart, size: float = 13, *, dx: str = BESIDE, dy: str = "0", **more: Any) -> alt.Chart:
    """Text marks; the field `side` says which of their sides is at their place: left, right or center."""
    return rows.mark_text(
        fontSize=size, align=alt.ExprRef("datum.side"), dx=alt.ExprRef(dx), dy=alt.ExprRef(dy), **more
    )


def rounded(value: float, digits: int = 4) -> float:
    """A drawn value: a picture needs no more digits, and the table beside it has them all."""
    return float(f"{value:.{digits}g}")
