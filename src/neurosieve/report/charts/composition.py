"""Forgetting × sparsity × target: one panel per target and order, leakage or retained accuracy over sparsity."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report.charts import theme

HEIGHT = 170
PRUNED = [0, 50, 80, 95]


def spec(ticks: list[float], words: str) -> dict[str, Any]:
    """The drawing of one measure: `points` {x, y, low, high, fast} over measured sparsity, `level` {r, at, t}.

    A point is hollow where the target is missed; the level is that of the retrained network, named in the first panel.
    """
    names = {"@ticks": ticks, "@low": ticks[0], "@high": ticks[-1], "@words": words}
    return theme.filled(_template(), names)


@cache
def _template() -> dict[str, Any]:
    domain = alt.Scale(domain=["@low", "@high"], zero=False)
    across = alt.Scale(domain=[-3, 100])

    def y(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title=None, scale=domain, axis=alt.Axis(values=["@ticks"]))

    x = alt.X("x:Q", title="weights pruned, %", scale=across, axis=alt.Axis(values=PRUNED, grid=False))
    points, level, ours = theme.rows("points"), theme.rows("level"), theme.ROLE["method"]
    tips = [alt.Tooltip("x:Q", title="pruned, %", format=".1f"), alt.Tooltip("y:Q", title="@words", format=".3~g")]
    inside = alt.condition("datum.fast", alt.value(ours), alt.value("var(--bg)"))
    named = level.mark_text(color=theme.TEXT["retrained"], dy=-9)
    return theme.template(
        alt.layer(
            level.mark_rule(color=theme.ROLE["retrained"], strokeDash=[5, 4]).encode(y=y("r")),
            points.mark_rule(color=ours, strokeWidth=1.3).encode(x=x, y=y("low"), y2="high:Q"),
            points.mark_line(color=ours, strokeWidth=1.6).encode(x=x, y=y("y")),
            points.mark_point(size=64, strokeWidth=1.8, filled=False).encode(
                x=x, y=y("y"), stroke=alt.value(ours), fill=inside, tooltip=tips
            ),
            named.encode(x=alt.X("at:Q", scale=across), y=y("r"), text="t:N"),
        )
    )


def static(drawing: dict[str, Any], label: str, name: str, width: int = 290, height: int = 160) -> str:
    """The drawing as SVG for a page without scripts; `name` keeps its ids apart from those of other drawings."""
    import vl_convert

    made = {key: value for key, value in drawing.items() if key != "autosize"}
    made |= {"width": width, "height": height, "config": theme.CONFIG}
    made["padding"] = {"left": 0, "top": 6, "bottom": 0, "right": 8}
    head, _, rest = vl_convert.vegalite_to_svg(made).partition(">")
    rest = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", rest)  # the whole picture has one label; its marks need none
    rest = re.sub(r'id="(\w+)"', rf'id="{name}-\1"', rest).replace("url(#", f"url(#{name}-")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    assert box is not None, head
    size = f'viewBox="0 0 {box[1]} {box[2]}" style="max-width:{box[1]}px"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}">' + rest
