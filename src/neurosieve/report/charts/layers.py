"""Where an intervention acts: the share of each layer's parameters that it selected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report import rows
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Cell, Figure, Panel, nice, seed_words, title_of
from neurosieve.report.numbers import count, data, joined, mean, shown
from neurosieve.report.state import LayerRow, StudyState

STEP = 21
MOST = 24  # rows drawn; the table has them all
Shares = dict[int | None, float]


def where(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """Weight and bias of one module are one row, in the order of the network; None without a table of layers."""
    variant, layers = _first_setting(study)
    if not layers:
        return None
    drawn = layers
    if len(layers) > MOST:
        top = sorted(layers, key=lambda name: -(mean(layers[name][1].values()) or 0))[:MOST]
        drawn = {name: layers[name] for name in layers if name in top}
    ticks = nice([0.0, *(100 * value for _, by in drawn.values() for value in by.values())], (0, 100))
    more = "" if drawn is layers else f" The {MOST} layers with the largest share; all of them are in the numbers."
    names = ", ".join(f"{name} {shown(100 * (mean(by.values()) or 0), 2)}" for name, (_, by) in drawn.items())
    axes = rows.parse_point(variant).axes
    setting = ", ".join(f"{axis} {value}" for axis, value in axes)
    return Figure(
        "layers",
        title_of(study, "layers", "Where does it dampen?"),
        f"Share of each layer’s parameters that {rows.parse_point(variant).variant} selected"
        f"{', ' + setting if setting and len(panels) > 1 else ''}, in the order of the network; "
        "neither more nor less is better.",
        theme.filled(_template(), {"@ticks": ticks, "@high": ticks[-1]}),
        (Panel("", _rows(drawn), STEP * len(drawn), f"Percent selected by layer: {names}"),),
        f"Large: mean of {seed_words(study)}. Small: single seeds.{more}",
        ("Layer", "parameters", "selected, %", "each seed"),
        tuple(_row(name, elements, by) for name, (elements, by) in layers.items()),
        half=True,
    )


def _first_setting(study: StudyState) -> tuple[str, dict[str, tuple[int, Shares]]]:
    """The method's first point, with elements and shares by module."""
    own = [row for row in study.layers if rows.parse_point(row.variant).variant == study.slug] or list(study.layers)
    if not own:
        return "", {}
    variant = own[0].variant
    groups: dict[str, list[LayerRow]] = {}
    for row in own:
        if row.variant == variant:
            groups.setdefault(_module(row.layer), []).append(row)
    found = {}
    for name, members in groups.items():
        elements = sum(row.elements for row in members)
        seeds = list(dict.fromkeys(seed for row in members for seed in row.selected))
        shares = {seed: sum(row.selected.get(seed, 0) for row in members) / elements for seed in seeds}
        found[name] = (elements, shares)
    return variant, found


def _module(layer: str) -> str:
    """`features.6.0.weight` -> `features.6.0`."""
    name, _, last = layer.rpartition(".")
    return name if last in ("weight", "bias") and name else layer


def _row(name: str, elements: int, by: Shares) -> tuple[Cell, ...]:
    average = mean(by.values()) or 0.0
    each = joined((data(value, shown(100 * value, 2)) for value in by.values()), " · ")
    return name, count(elements), data(average, shown(100 * average, 2)), each


def _rows(layers: dict[str, tuple[int, Shares]]) -> dict[str, list[dict[str, Any]]]:
    return {
        "means": [
            {"name": name, "share": theme.rounded(100 * (mean(by.values()) or 0.0))} for name, (_, by) in layers.items()
        ],
        "runs": [
            {"name": name, "share": theme.rounded(100 * v)} for name, (_, by) in layers.items() for v in by.values()
        ],
    }


@cache
def _template() -> dict[str, Any]:
    x = alt.X(
        "share:Q",
        title="selected, % of the layer",
        scale=alt.Scale(domain=[0, "@high"]),
        axis=alt.Axis(values=["@ticks"]),
    )
    names = alt.Axis(grid=False, labelColor=theme.INK, labelFontSize=12.5, labelLimit=190)
    y = alt.Y("name:N", title=None, sort=None, axis=names)
    means, runs, ours = theme.rows("means"), theme.rows("runs"), theme.ROLE["method"]
    tips = [alt.Tooltip("name:N", title="layer"), alt.Tooltip("share:Q", format=".2f", title="selected, %")]
    return theme.template(
        alt.layer(
            means.mark_bar(height=2, color=ours).encode(x=x, y=y),
            runs.mark_point(size=20, opacity=0.5, color=ours).encode(x=x, y=y),
            means.mark_point(size=60, color=ours).encode(x=x, y=y, tooltip=tips),
        )
    )
