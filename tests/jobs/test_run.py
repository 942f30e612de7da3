"""Running one node: complete or not at all, whole inputs only, the same from a cold process as from a warm one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests import toys
from tests.pipeline.sandbox import ROOT, Sandbox
from tests.toys import ORIGINAL, bare, model_node

from neurosieve.artifacts.store import read_provenance
from neurosieve.errors import UserError
from neurosieve.jobs import run as module
from neurosieve.jobs.run import in_one_line, refuse_if_changed, run_job, run_node
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project

CONTENT = bare(
    {
        "original": ORIGINAL,
        "shifted": {"from": "original", "adapt": {"use": "adaptation.toy_shift", "by": 1}},
        "broken": {**ORIGINAL, "train": {"use": "toy.fit", "fail": "it ran\n\ndry"}},
    }
)


@pytest.fixture
def made(tmp_path: Path) -> Project:
    return toys.project(tmp_path, {"tiny": CONTENT})


def run_chain(made: Project, node: Node) -> Path:
    plan = made.plan("tiny")
    with toys.numba_undisturbed():
        return [run_node(made, plan, needed) for needed in plan.with_ancestors(node.key)][-1]


def test_node_is_complete_with_its_record(made: Project) -> None:
    node = model_node(made.plan("tiny"), "original")
    path = run_chain(made, node)
    record = read_provenance(path)
    assert path == made.store.path(node.folder)
    assert (record["key"], record["stage"], record["name"]) == (node.key, "train", "centroid-fit")
    assert record["recipe"] == node.recipe
    assert record["asked_by"] == "tiny/original/11"
    assert record["files"].keys() == {"model.json", "model.safetensors", "history.parquet"}
    assert record["run"].keys() >= {
        "started", "seconds", "cpu_seconds", "peak_memory_mb", "commit", "python", "machine", "files",
    }  # fmt: skip
    assert record["run"]["peak_memory_mb"] > 10
    assert list(made.store.work.glob("job-*")) == []


def test_finished_node_is_not_computed_again(made: Project) -> None:
    node = model_node(made.plan("tiny"), "original")
    path = run_chain(made, node)
    before = path.stat().st_ino, (path / "provenance.json").stat().st_mtime_ns
    assert run_chain(made, node) == path
    assert (path.stat().st_ino, (path / "provenance.json").stat().st_mtime_ns) == before


def test_failure_leaves_nothing_behind(made: Project) -> None:
    node = model_node(made.plan("tiny"), "broken")
    with pytest.raises(RuntimeError, match="it ran"):
        run_chain(made, node)
    assert not made.store.path(node.folder).exists()
    assert list(made.store.work.glob("job-*")) == []


def test_missing_input_is_one_line(made: Project) -> None:
    plan = made.plan("tiny")
    with (
        pytest.raises(UserError, match=r"the input prepare/points-\w+ is not computed yet; run `snakemake tiny`"),
        toys.numba_undisturbed(),
    ):
        run_node(made, plan, model_node(plan, "original"))


def test_damaged_input_is_refused_with_the_remedy(made: Project) -> None:
    plan = made.plan("tiny")
    path = run_chain(made, model_node(plan, "original"))
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    shown = f"train/{path.name}"
    with pytest.raises(
        UserError, match=rf"{shown}/model\.safetensors does not have.*delete \S+{shown} and run the same"
    ):
        run_chain(made, model_node(plan, "shifted"))
    shutil.rmtree(path)
    assert run_chain(made, model_node(plan, "shifted")).is_dir()


def test_raw_file_that_changed_since_the_plan(tmp_path: Path) -> None:
    (tmp_path / "shift.txt").write_text("0.5")
    content = bare({"original": ORIGINAL}, dataset={"use": "toy.points", "shift_file": "shift.txt"})
    made = toys.project(tmp_path, {"tiny": content})
    node = model_node(made.plan("tiny"), "original")
    (tmp_path / "shift.txt").write_text("0.7")
    with pytest.raises(UserError, match=r"shift\.txt changed or vanished while jobs ran; run the same command again"):
        run_chain(made, node)


def test_refused_when_the_configuration_changed() -> None:
    with pytest.raises(UserError, match=f"node {'0' * 16} is no longer part of study 'tiny'.*run the same command"):
        refuse_if_changed(StudyPlan("tiny", "default"), "0" * 16, "tiny")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("what\n is wrong"), "what is wrong"),
        (RuntimeError("first\nsecond"), "RuntimeError: first"),
        (KeyError(), "KeyError"),
        (ValueError("\n\n  third"), "ValueError:   third"),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_error_in_one_line(error: BaseException, line: str) -> None:
    assert in_one_line(error) == line


@pytest.fixture
def here(made: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project as jobs find it."""
    monkeypatch.setattr(module.Project, "here", lambda scale=None: made)
    return made


def test_job_by_address(here: Project) -> None:
    with toys.numba_undisturbed():
        plan = here.plan("tiny")
        node = model_node(plan, "original")
        run_job("tiny", node.recipe["inputs"]["data"], "prepare", None)
        assert run_job("tiny", "original/11", "train", None) == here.store.path(node.folder)


@pytest.mark.parametrize(
    ("address", "stage", "message"),
    [
        ("original/11", "intervene", "is computed by `train`, not by `intervene`"),
        ("orignal/11", "train", "has no node 'orignal/11'; variants: broken, original, shifted"),
        ("0" * 16, "train", "is no longer part of study 'tiny'"),
    ],
)
def test_job_that_is_refused(here: Project, address: str, stage: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run_job("tiny", address, stage, None)


def test_failed_job_is_noted_until_it_succeeds(here: Project) -> None:
    plan = here.plan("tiny")
    broken = model_node(plan, "broken")
    with toys.numba_undisturbed():
        run_job("tiny", broken.recipe["inputs"]["data"], "prepare", None)
        with pytest.raises(RuntimeError):
            run_job("tiny", broken.key, "train", None)
        note = here.store.failure(broken.key)
        assert note.read() == "RuntimeError: it ran"
        here.store.failure(model_node(plan, "original").key).write("from an earlier run")
        run_job("tiny", "original/11", "train", None)
    assert here.store.failure(model_node(plan, "original").key).read() is None


COLD = """
import sys
from neurosieve.jobs.run import run_job
assert "torch" not in sys.modules
print(run_job("tiny", sys.argv[1], "train", None))
"""


@pytest.mark.slow
def test_cold_process_gives_what_a_warm_one_gives(tmp_path: Path) -> None:
    """Torch's initial weights follow the seed also where torch is first imported after the job has begun."""
    content = {
        "question": "?",
        "dataset": {"use": "images.mnist5k", "size": 14, "train": 4, "test": 1},
        "seeds": [11, 12],
        "variants": {
            "original": {
                "model": {"use": "vision.resnet9", "width": 1},
                "train": {"use": "supervised.backprop", "epochs": 1, "batch": 8},
            }
        },
    }
    Sandbox(tmp_path).configure({"tiny": content})
    made = Project(tmp_path)
    plan = made.plan("tiny")
    node = model_node(plan, "original", 12)
    path = run_chain(made, node)
    warm = (path / "model.safetensors").read_bytes()
    shutil.rmtree(path)
    command = [sys.executable, "-c", COLD, node.key]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert (path / "model.safetensors").read_bytes() == warm
