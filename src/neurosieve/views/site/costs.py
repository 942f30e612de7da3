"""Where the time went: what jobs measured of themselves, by study and stage, and the slowest of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from neurosieve.plan.nodes import STAGES, Node, StudyPlan
from neurosieve.report import state as page
from neurosieve.views.site.reader import Records

SLOWEST = 10


def costs(plans: Mapping[str, StudyPlan], records: Records) -> tuple[page.Cost, ...]:
    """One row per study and stage that has nodes; a node that studies share is counted with the first of them."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for slug, node, run in _runs(plans, records):
        groups.setdefault((slug, node.stage), []).append(run)
    order = sorted(groups, key=lambda group: STAGES.index(group[1]))  # stable: studies stay in the plans' order
    return tuple(
        page.Cost(
            study=slug,
            stage=stage,
            nodes=len(groups[slug, stage]),
            wall_seconds=round(sum(run.get("seconds", 0.0) for run in groups[slug, stage]), 3),
            cpu_seconds=round(sum(run.get("cpu_seconds", 0.0) for run in groups[slug, stage]), 3),
            peak_memory_mb=max(filter(None, (run.get("peak_memory_mb") for run in groups[slug, stage])), default=None),
        )
        for slug, stage in order
    )


def slowest(plans: Mapping[str, StudyPlan], records: Records) -> tuple[page.Slow, ...]:
    """The nodes that took the most wall seconds, slowest first."""
    found = sorted(_runs(plans, records), key=lambda one: -one[2].get("seconds", 0.0))[:SLOWEST]
    return tuple(
        page.Slow(
            title=node.title,
            stage=node.stage,
            name=node.name,
            key=node.key,
            wall_seconds=run.get("seconds", 0.0),
            cpu_seconds=run.get("cpu_seconds", 0.0),
            peak_memory_mb=run.get("peak_memory_mb"),
        )
        for _, node, run in found
    )


def _runs(plans: Mapping[str, StudyPlan], records: Records) -> Iterator[tuple[str, Node, Mapping[str, Any]]]:
    """Study, node and `run:` block of every node that exists, each once."""
    seen: set[str] = set()
    for slug, plan in plans.items():
        for key, node in plan.nodes.items():
            if key in records and key not in seen:
                seen.add(key)
                yield slug, node, records[key]["run"]
