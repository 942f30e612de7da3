"""Slices as Snakemake's rule `bundle` asks for them, in the run that cuts them and in the worker that computes one."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.views.written import certificate_key
from neurosieve.workflow import Workflow
from tests import toys


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = toys.project(tmp_path / "p", {"tiny": toys.study()})
    monkeypatch.setattr("neurosieve.plan.project.Source", lambda memory: made.source)
    monkeypatch.setenv("NEUROSIEVE_WARM", "")
    return made


def test_targets_and_inputs_name_slices_and_lone_nodes(made: Project) -> None:
    flow = Workflow(made.root, {"bundle": 500})
    *targets, page = flow.study("tiny")(None)
    verdict = made.plan("tiny").nodes[made.plan("tiny").verdict]
    assert targets == [f"results/store/{verdict.folder}/provenance.json"]
    assert page.startswith("results/report/shown-")
    needs = flow.inputs(SimpleNamespace(key=verdict.key))
    assert needs
    names = [Path(file).parent.name.removeprefix("bundle-") for file in needs]
    assert needs == [f"results/.work/bundle-{name}/done" for name in names]
    assert all(flow.slice_inputs(SimpleNamespace(slice=name)) == [] for name in names)


def test_a_worker_reads_its_slice_and_what_it_asks_for(made: Project) -> None:
    flow = Workflow(made.root, {"bundle": 500})
    flow.start(SimpleNamespace(scheduler=None, non_local_exec=False))
    needs = flow.inputs(SimpleNamespace(key=made.plan("tiny").verdict))
    wildcards = SimpleNamespace(slice=Path(needs[0]).parent.name.removeprefix("bundle-"))
    worker = Workflow(made.root, {"bundle": 500}, one_job=True)
    for one in (flow, worker):
        assert one.slice_memory(wildcards, attempt=2, threads=3) == 6000
        assert one.slice_minutes(wildcards) % 10 == 0
        assert one.slice_inputs(wildcards) == []
        assert "nodes from tiny/" in one.slice_job(wildcards)["title"]
    with pytest.raises(UserError, match="another has replaced"):
        worker.slice_job(SimpleNamespace(slice="f" * 16))


@pytest.mark.parametrize("config", [{"bundle": "many"}, {"bundle": -1}, {"bundle": True}, {"bundle": float("inf")}])
def test_minutes_must_be_a_number(made: Project, config: dict[str, object]) -> None:
    with pytest.raises(UserError, match="give the minutes of one submission"):
        Workflow(made.root, config)


def test_bundles_and_the_full_plan_exclude_each_other(made: Project) -> None:
    with pytest.raises(UserError, match="exclude each other"):
        Workflow(made.root, {"bundle": 60, "plan": "full"})
    assert Workflow(made.root, {"bundle": 0, "plan": "full"}).full


def test_certificates_are_targets_between_the_nodes_and_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"variants": ["drop"], "before": "original"}
    study = toys.study(seeds=[11], claims=[], scales={}, certify=asked)
    made = toys.project(tmp_path / "p", {"tiny": study, "other": toys.study()})
    monkeypatch.setattr("neurosieve.plan.project.Source", lambda memory: made.source)
    flow = Workflow(made.root, {})
    *nodes, stamp, page = flow.study("tiny")(None)
    key = certificate_key(made.plan("tiny"))
    assert stamp == f"results/certificates/.stamps/tiny@{key}"
    assert page.startswith("results/report/shown-")
    assert flow.certified(SimpleNamespace(key=key)) == nodes
    assert stamp in flow.page_inputs(SimpleNamespace(key=page.removeprefix("results/report/shown-")))
    assert not any("certificates" in target for target in flow.study("other")(None))
    assert Workflow(made.root, {}, one_job=True).certified(SimpleNamespace(key=key)) == []
