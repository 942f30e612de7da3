"""Horizontal bars from zero, longest first: where a quantity goes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Panel, nice
from neurosieve.report.numbers import duration

STEP = 24
ROOM = 1.22  # of the axis, for the words behind the longest bar


def spec(longest: float) -> dict[str, Any]:
    """The drawing of `bars` {name, value, text}; the axis ends behind the longest of them."""
    ticks = nice([0.0, longest or 1.0])
    return theme.filled(_template(), {"@ticks": ticks, "@high": theme.rounded(ROOM * max(ticks[-1], longest))})


def panel(values: Sequence[tuple[str, float]]) -> Panel:
    """Bars of seconds by name."""
    drawn = [{"name": n, "value": theme.rounded(value), "text": duration(value)} for n, value in values]
    said = ", ".join(f"{name} {duration(value)}" for name, value in values)
    return Panel("", {"bars": drawn}, max(60, STEP * len(drawn)), f"CPU time by part: {said}")


@cache
def _template() -> dict[str, Any]:
    scale = alt.Scale(domain=[0, "@high"], nice=False)
    x = alt.X("value:Q", title="CPU seconds   ← better", scale=scale, axis=alt.Axis(values=["@ticks"]))
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(grid=False, labelColor=theme.INK, labelLimit=200))
    rows = theme.rows("bars")
    return theme.template(
        alt.layer(
            rows.mark_bar(height=12, color=theme.ROLE["method"]).encode(x=x, y=y, tooltip=["name:N", "text:N"]),
            rows.mark_text(align="left", dx=6, fontSize=12.5, color=theme.INK).encode(x=x, y=y, text="text:N"),
        )
    )
