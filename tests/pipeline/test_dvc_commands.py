"""What a DVC user types, on a finished study: `repro`, `metrics diff`, `plots diff`, `params diff`, `exp run -S`."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.pipeline.clones import call, commit, dvc, versioned
from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("apart")]


@pytest.fixture
def root(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved project, two commits old: before its study, and with it."""
    for name, value in project.command("dvc")[1].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    root = project.root
    metrics = shutil.move(root / "results" / "metrics", root / "results" / ".work" / "metrics")
    project.configure({})
    (root / "config" / "studies" / "tiny.yaml").unlink()
    versioned(root)
    shutil.move(metrics, root / "results" / "metrics")
    project.configure({"tiny": STUDY})
    assert project.cli("save").code == 0
    commit(root, "a study")
    return root


def present(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_ino for path in (root / "results" / "store").rglob("*")}


def test_repro_of_a_finished_study_computes_nothing(root: Path) -> None:
    before = present(root)
    assert "nothing to be done" in dvc(root, "repro", "study@tiny")
    assert "didn't change, skipping" in dvc(root, "repro", "study@tiny")
    assert present(root) == before


def test_metrics_against_a_commit_without_the_study_are_new(root: Path) -> None:
    """FC-E9."""
    assert "metrics.drop.accuracy test" in dvc(root, "metrics", "show")
    new = json.loads(dvc(root, "metrics", "diff", "--json", "HEAD~1"))["results/metrics/tiny.json"]
    assert new["claims.T1"] == {"old": None, "new": "holds"}
    assert all(value["old"] is None for value in new.values())
    assert dvc(root, "metrics", "diff", "HEAD").strip() == ""


def test_one_hyper_parameter_as_an_experiment(root: Path, project: Sandbox) -> None:
    dvc(root, "repro", "study@tiny")
    commit(root, "repro")
    before = present(root)
    change = "config/studies/tiny.yaml:variants.drop.unlearn.far=0.01"
    out = dvc(root, "exp", "run", "--name", "near", "study@tiny", "-S", change)
    assert "6 intervene" in out
    assert before.items() <= present(root).items()
    assert project.todo() == set()

    changed = json.loads(dvc(root, "params", "diff", "--json"))["config/studies/tiny.yaml"]
    assert changed.keys() == {"variants.drop.unlearn.far"}
    assert changed["variants.drop.unlearn.far"]["new"] == 0.01
    metrics = json.loads(dvc(root, "metrics", "diff", "--json"))["results/metrics/tiny.json"]
    assert metrics["claims.T1"] == {"old": "holds", "new": "fails"}
    assert metrics["metrics.drop.accuracy forget"]["diff"] > 0
    (row,) = (line for line in dvc(root, "exp", "show", "--only-changed", "--csv").splitlines() if "near" in line)
    assert {"fails", "0.01"} <= set(row.split(","))
    dvc(root, "plots", "diff", "HEAD")
    page = (root / "results" / "plots" / "index.html").read_text()
    assert "accuracy" in page
    assert "workspace" in page

    call(root, "git", "checkout", "-q", "--", ".")
    assert project.todo() == {"report"}  # back: nothing but the page
    dvc(root, "exp", "branch", "near", "nearer")
    call(root, "git", "switch", "-q", "nearer")
    assert project.todo() <= {"report"}  # the experiment's nodes are in the store
    assert before.items() <= present(root).items()
