"""Bundles: many nodes in one job, with the results of the run that has one job each."""

from __future__ import annotations

import copy
import os
import signal
from pathlib import Path

import pytest

from tests.pipeline.sandbox import STUDY, Sandbox
from tests.pipeline.watch import Run, assert_alone, assert_goes_on, contents, gated, stamps, until, workers

pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


@pytest.fixture
def fresh(tmp_path: Path, warm_folder: dict[str, str]) -> Sandbox:
    return Sandbox.make(tmp_path / "project", environment=warm_folder)


def test_bundles_give_the_nodes_of_single_jobs(fresh: Sandbox, finished: Sandbox) -> None:
    dry = fresh.snakemake("-n", "--config", "bundle=500")
    assert dry.code == 0, dry.output
    assert "5 jobs would run" in dry.output, dry.output  # three seeds, the verdict, the page
    ran = fresh.snakemake("--config", "bundle=500", "--set-threads", "bundle=2")
    assert ran.code == 0, ran.output
    assert contents(fresh) == contents(finished)
    assert fresh.todo() == set()
    assert_alone(fresh)


def test_a_failed_node_stops_only_what_needs_it(fresh: Sandbox) -> None:
    study = copy.deepcopy(STUDY)
    study["variants"]["broken"] = {"base": "original", "train": {"fail": "asked to fail"}}
    study["variants"]["behind"] = {"from": "broken", "unlearn": {"use": "unlearning.toy_drop"}}
    fresh.write("tiny", study)
    ran = fresh.snakemake("--config", "bundle=500", "scale=smoke")
    assert ran.code == 1
    assert "nodes failed or need one that did: centroid-fit-" in ran.output
    left = fresh.todo("--config", "scale=smoke")
    lost = {job for job in left if not job.startswith("report")}
    assert lost == {
        *("train tiny/broken/11", "evaluate tiny/broken/11", "intervene tiny/behind/11", "evaluate tiny/behind/11"),
        "verdict tiny/verdict",
    }
    assert "asked to fail" in (fresh.root / "results" / "report" / "studies" / "tiny.html").read_text()


def test_a_killed_bundle_loses_nothing_that_was_done(tmp_path: Path, warm_folder: dict[str, str]) -> None:
    box = Sandbox.make(tmp_path / "project", {"tiny": gated()}, environment=warm_folder)
    run = Run.start(box, "snakemake", "--config", "bundle=500")
    until(lambda: len(box.nodes()) == 4 and len(workers(box, "train")) == 1, "the training of slow alone")
    before = stamps(box)
    os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait()
    until(lambda: not workers(box, "train"), "the end of the worker")
    (box.root / "open").touch()
    assert_goes_on(box, before)
