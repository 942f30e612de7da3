"""Slices for a cluster: each missing node in one slice or alone, and no two jobs that wait for each other."""

from graphlib import TopologicalSorter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.plan.bundles import Slice, slices
from neurosieve.plan.nodes import Node, StudyPlan


@st.composite
def projects(draw: st.DrawFn) -> tuple[dict[str, StudyPlan], dict[str, list[str]]]:
    """Random graphs; each node belongs to some studies, and its inputs to at least those; some are done."""
    studies = ["a", "b", "c"]
    plans = {study: StudyPlan(study, "default") for study in studies}
    nodes: list[Node] = []
    owners: dict[str, frozenset[str]] = {}
    done: set[str] = set()
    for number in range(draw(st.integers(1, 30))):
        own = draw(st.frozensets(st.sampled_from(studies), min_size=1))
        wide = [node.key for node in nodes if owners[node.key] >= own]
        inputs = draw(st.lists(st.sampled_from(wide), max_size=3, unique=True)) if wide else []
        key = f"{number:016x}"
        minutes = draw(st.sampled_from([0.2, 1, 3, 10, 60]))
        stage = draw(st.sampled_from(["train", "intervene", "evaluate", "verdict"]))
        threads, gpu = draw(st.sampled_from([(1, 0), (1, 0), (1, 0), (2, 0), (1, 1)]))
        nodes.append(Node(stage, "n", key, {}, tuple(inputs), key, 1000, minutes, threads, gpu))
        owners[key] = own
        if draw(st.booleans()):
            done.add(key)
        for study in own:
            plans[study].nodes[key] = nodes[-1]
            if draw(st.integers(0, 9)) == 0:
                plans[study].studywide[key] = None
    return plans, {study: [key for key in plan.nodes if key not in done] for study, plan in plans.items()}


@given(projects(), st.sampled_from([2, 6, 20, 200]))
def test_every_missing_node_is_in_one_job_and_jobs_are_acyclic(
    project: tuple[dict[str, StudyPlan], dict[str, list[str]]], minutes: float
) -> None:
    plans, missing = project
    nodes = {key: node for plan in plans.values() for key, node in plan.nodes.items()}
    to_do = dict.fromkeys(key for keys in missing.values() for key in keys)
    found = slices(plans, missing, minutes, "run")
    job = {key: piece.id for piece in found for key in piece.keys}
    assert sum(len(piece.keys) for piece in found) == len(job)
    assert job.keys() <= to_do.keys()
    waits: dict[str, set[str]] = {job.get(key, key): set() for key in to_do}
    for key in to_do:
        needs = {job.get(other, other) for other in nodes[key].inputs if other in to_do}
        waits[job.get(key, key)] |= needs - {job.get(key, key)}
    order = list(TopologicalSorter(waits).static_order())  # raises CycleError
    assert set(order) == waits.keys()


@given(projects(), st.sampled_from([2, 6, 20, 200]))
def test_a_slice_holds_short_nodes_of_one_set_of_studies_in_order_and_within_its_time(
    project: tuple[dict[str, StudyPlan], dict[str, list[str]]], minutes: float
) -> None:
    plans, missing = project
    for piece in slices(plans, missing, minutes, "run"):
        plan = plans[piece.study]
        members = [plan.nodes[key] for key in piece.keys]
        assert len(members) > 1
        assert sum(node.minutes for node in members) <= minutes + 1e-9
        assert all(node.minutes <= minutes / 2 and node.gpu == 0 and node.threads == 1 for node in members)
        assert not any(node.stage == "verdict" or node.key in plan.studywide for node in members)
        assert len({frozenset(s for s in plans if key in missing[s]) for key in piece.keys}) == 1
        for place, node in enumerate(members):
            assert not set(node.inputs).intersection(piece.keys[place:])


def chain(*minutes: float) -> tuple[dict[str, StudyPlan], dict[str, list[str]]]:
    plan = StudyPlan("a", "default")
    for number, asked in enumerate(minutes):
        inputs = (str(number - 1),) if number else ()
        plan.nodes[str(number)] = Node("intervene", "n", str(number), {}, inputs, "", minutes=asked)
    return {"a": plan}, {"a": list(plan.nodes)}


@pytest.mark.parametrize(
    ("asked", "minutes", "keys"),
    [
        ((1, 1, 1, 1), 10, [("0", "1", "2", "3")]),
        ((1, 1, 9, 1, 1), 10, [("0", "1"), ("3", "4")]),  # a long node stays alone, and parts what it joins
        ((1, 1, 1, 1), 3, [("1", "2", "3")]),  # the root goes first
        ((6, 6), 10, []),
        ((1,), 10, []),
    ],
)
def test_chains(asked: tuple[float, ...], minutes: float, keys: list[tuple[str, ...]]) -> None:
    assert [piece.keys for piece in slices(*chain(*asked), minutes, "run")] == keys


def test_small_rests_share_a_job_when_a_part_is_cut() -> None:
    plans, missing = chain(1)
    for number in range(1, 9):
        plans["a"].nodes[str(number)] = Node("intervene", "n", str(number), {}, ("0",), "", minutes=1)
    missing["a"] = list(plans["a"].nodes)
    assert [len(piece.keys) for piece in slices(plans, missing, 4, "run")] == [4, 4]
    assert [len(piece.keys) for piece in slices(plans, missing, 9, "run")] == [9]


def test_a_slice_is_named_by_its_nodes_and_the_run() -> None:
    (one,), (same,), (other,) = (slices(*chain(1, 1), 10, run) for run in ("x", "x", "y"))
    assert one == same == Slice(one.id, "a", ("0", "1"))
    assert other.keys == one.keys
    assert other.id != one.id
