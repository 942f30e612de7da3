"""The page "Where did the time go?": jobs, wall and CPU seconds, peak memory by study and stage; the slowest nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neurosieve.report.charts import bars
from neurosieve.report.charts.figure import Cell, Figure
from neurosieve.report.numbers import count, data, seconds, shown
from neurosieve.report.state import STAGES, Cost, Site

DRAWN = 12
"""Bars of the chart; the table has all."""


def page(site: Site) -> dict[str, Any]:
    """What the template shows of `site.costs` (not empty)."""
    costs = site.costs
    largest = sorted(costs, key=lambda cost: -cost.cpu_seconds)[:DRAWN]
    several = len({cost.study for cost in costs}) > 1
    return {
        "wall": seconds(sum(cost.wall_seconds for cost in costs)),
        "cpu": seconds(sum(cost.cpu_seconds for cost in costs)),
        "jobs": count(sum(cost.nodes for cost in costs)),
        "figure": _figure(largest, several, len(costs) > DRAWN),
        "rows": [_row(cost) for cost in sorted(costs, key=_place)],
        "slowest": [
            {
                "title": node.title,
                "stage": node.stage,
                "id": f"{node.name}-{node.key}",
                "wall": seconds(node.wall_seconds),
                "cpu": seconds(node.cpu_seconds),
                "memory": _memory(node.peak_memory_mb),
            }
            for node in site.slowest
        ],
    }


def _place(cost: Cost) -> tuple[str, int]:
    return cost.study, STAGES.index(cost.stage)


def _row(cost: Cost) -> dict[str, Cell]:
    return {
        "study": cost.study,
        "stage": cost.stage,
        "nodes": count(cost.nodes),
        "wall": seconds(cost.wall_seconds),
        "cpu": seconds(cost.cpu_seconds),
        "memory": _memory(cost.peak_memory_mb),
    }


def _memory(megabytes: float | None) -> Cell:
    return "–" if megabytes is None else data(megabytes, shown(megabytes, 0))


def _figure(costs: Sequence[Cost], several: bool, cut: bool) -> Figure:
    named = [(f"{cost.study} · {cost.stage}" if several else cost.stage, cost) for cost in costs]
    return Figure(
        "time",
        "Which parts take the most CPU time?" if cut else "What takes the CPU time?",
        f"CPU seconds by {'study and ' if several else ''}stage{f', the largest {len(costs)}' if cut else ''}.",
        bars.spec(max(cost.cpu_seconds for cost in costs)),
        (bars.panel([(name, cost.cpu_seconds) for name, cost in named]),),
        "Bars: CPU seconds of all jobs of that part, as each job’s own process measured them.",
        ("Part", "CPU seconds"),
        tuple((name, data(cost.cpu_seconds, shown(cost.cpu_seconds, 1))) for name, cost in named),
    )
