"""Costs by study and stage, from plans and records: sums, shared nodes once, the slowest first."""

from __future__ import annotations

from typing import Any

from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.views.site.costs import SLOWEST, costs, slowest


def plan(slug: str, *nodes: tuple[str, str]) -> StudyPlan:
    found = {key: Node(stage, "n", key, {}, (), f"{slug}/{key}") for stage, key in nodes}
    return StudyPlan(slug, "default", found)


def record(seconds: float, **more: Any) -> dict[str, Any]:
    return {"run": {"seconds": seconds, "cpu_seconds": seconds / 2, **more}}


PLANS = {
    "a": plan("a", ("train", "t1"), ("prepare", "p1"), ("train", "t2"), ("train", "absent")),
    "b": plan("b", ("prepare", "p1"), ("train", "t3")),
}
RECORDS = {
    "t1": record(2.0, peak_memory_mb=10.0),
    "t2": record(3.0, peak_memory_mb=30.0),
    "t3": record(7.0),
    "p1": record(1.0, peak_memory_mb=5.0),
}


def test_sums_by_study_and_stage_with_shared_nodes_once() -> None:
    found = {
        (c.study, c.stage): (c.nodes, c.wall_seconds, c.cpu_seconds, c.peak_memory_mb) for c in costs(PLANS, RECORDS)
    }
    assert found == {
        ("a", "prepare"): (1, 1.0, 0.5, 5.0),
        ("a", "train"): (2, 5.0, 2.5, 30.0),
        ("b", "train"): (1, 7.0, 3.5, None),
    }
    assert next(iter(found)) == ("a", "prepare")


def test_slowest_first_and_not_too_many() -> None:
    assert [node.title for node in slowest(PLANS, RECORDS)] == ["b/t3", "a/t2", "a/t1", "a/p1"]
    many = {"c": plan("c", *(("train", f"k{i}") for i in range(30)))}
    records = {f"k{i}": record(float(i)) for i in range(30)}
    assert [node.key for node in slowest(many, records)] == [f"k{29 - i}" for i in range(SLOWEST)]
