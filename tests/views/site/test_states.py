"""From plans and store to the state of the page: what is complete, what is missing, what failed."""

from __future__ import annotations

from pathlib import Path

from tests import toys

from neurosieve.plan.nodes import Node
from neurosieve.plan.project import Project
from neurosieve.report import state as page
from neurosieve.views.site import site_of


def shown(made: Project) -> page.StudyState:
    (study,) = site_of(made, made.plans(), made.store.present()).studies
    return study


def lose(made: Project, node: Node) -> int:
    """Take a node and what follows out of the store; how many."""
    lost = [node, *made.plan("tiny").descendants(node.key)]
    for other in lost:
        made.store.bury(made.store.path(other.folder))
    return len(lost)


def test_complete_study(made: Project) -> None:
    study, plan = shown(made), made.plan("tiny")
    assert (study.state, study.nodes_done, study.nodes_total) == ("complete", len(plan.nodes), len(plan.nodes))
    assert (study.slug, study.scale, study.seeds, study.failures) == ("tiny", "default", (11, 12, 13), ())
    assert [(claim["claim"], claim["verdict"]) for claim in study.claims] == [("T1", "holds")]
    (dataset,) = study.datasets
    assert (dataset.name, dataset.origin, dataset.input_shape, dataset.samples) == ("points", "simulated", (2,), None)
    assert study.packages.keys() >= {"numpy", "pydantic"}
    assert [(target.variant, target.target) for target in study.targets] == [("drop", "toy")]


def test_metrics_by_seed_with_unit_and_direction(made: Project) -> None:
    rows = [row for row in shown(made).metrics if (row.variant, row.target, row.split) == ("drop", "native", "forget")]
    (row,) = [row for row in rows if row.metric == "accuracy"]
    assert row.values == {11: 0.0, 12: 0.0, 13: 0.0}
    assert (row.unit, row.direction, row.timing) == ("share", "higher", False)


def test_every_node_is_counted_once(made: Project) -> None:
    plan, site = made.plan("tiny"), site_of(made, made.plans(), made.store.present())
    assert sum(stage.nodes for stage in site.run.stages) == len(plan.nodes)
    assert {node.stage for node in site.studies[0].nodes} == {node.stage for node in plan.nodes.values()}


def test_missing_nodes_make_a_study_incomplete_and_notes_make_it_failed(made: Project) -> None:
    plan = made.plan("tiny")
    drop = toys.model_node(plan, "drop", 12)
    lost = lose(made, drop)
    study = shown(made)
    assert (study.state, study.nodes_done) == ("incomplete", len(plan.nodes) - lost)
    assert study.claims[0]["verdict"] != "fails"
    made.store.failure(drop.key).write("RuntimeError: it ran dry")
    study = shown(made)
    assert study.state == "failed"
    (failure,) = study.failures
    assert (failure.stage, failure.title, failure.error) == ("intervene", "tiny/drop/12", "RuntimeError: it ran dry")
    assert failure.log == f"results/logs/{drop.folder}.log"
    assert failure.rerun == "snakemake tiny"


def test_nothing_was_run(tmp_path: Path) -> None:
    study = shown(toys.project(tmp_path))
    assert (study.state, study.nodes_done, study.datasets, study.metrics) == ("not run", 0, (), ())
