"""A result is named by all that made it: what each change reruns, with real Snakemake."""

from __future__ import annotations

import copy
import os
import random
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from neurosieve.workflow import Workflow
from tests import toys
from tests.pipeline.sandbox import STUDY, Sandbox

SEEDS = (11, 12, 13)
DROPS = {f"intervene tiny/{v}/{s}" for v in ("drop", "drop-again") for s in SEEDS}
AFTER_DROP = (
    DROPS
    | {f"evaluate tiny/{v}/{s}" for v in ("drop", "drop-again") for s in SEEDS}
    | {f"export tiny/drop/{s}/toy" for s in SEEDS}
    | {f"evaluate tiny/drop/{s}/toy" for s in SEEDS}
    | {"verdict tiny/verdict", "report"}
)


def test_second_run_has_nothing_to_do(project: Sandbox) -> None:
    ran = project.snakemake()
    assert ran.code == 0
    assert "nothing to be done" in ran.output.lower()


def test_editing_a_component_reruns_its_jobs_and_what_follows(project: Sandbox) -> None:
    project.edit("src/neurosieve/interventions/unlearning/toy_drop.py", "DISTANCE = 1.0", "DISTANCE = 2.0")
    assert project.todo() == AFTER_DROP


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("src/neurosieve/interventions/unlearning/toy_drop.py", "DISTANCE = 1.0", "DISTANCE = 1.0  # metres\n\n"),
        ("src/neurosieve/interventions/unlearning/toy_drop.py", "how far the centre", "HOW FAR"),
        ("src/neurosieve/artifacts/log.py", "self.history.append(values)", "self.history += [values]"),
    ],
    ids=["comment", "docstring", "plumbing"],
)
def test_edits_that_change_no_result_rerun_nothing(project: Sandbox, path: str, before: str, after: str) -> None:
    if before == "how far the centre":
        before = "How far the centre"
    project.edit(path, before, after)
    assert project.todo() == set()


def test_reordered_keys_rerun_nothing(project: Sandbox) -> None:
    def reordered(value: object) -> object:
        if isinstance(value, dict):
            return {key: reordered(value[key]) for key in reversed(value)}
        return value

    study = copy.deepcopy(STUDY)
    study["variants"] = {name: reordered(variant) for name, variant in study["variants"].items()}
    study["dataset"] = reordered(study["dataset"])
    project.write("tiny", study)
    assert project.todo() == set()


def test_what_an_input_was_made_of_is_computed_first(project: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation reads the parents of its model, so it waits for one that is gone though its model is there."""
    monkeypatch.setattr("neurosieve.plan.project.Source", lambda memory: toys.source())
    plan = Workflow(project.root, {}).plans["tiny"]
    (cell,) = [c for c in plan.cells if (c.variant, c.seed, c.target) == ("drop-again", 11, "native")]
    original = toys.model_node(plan, "original")
    for folder in (original.folder, plan.nodes[cell.metrics[0]].folder):
        shutil.rmtree(project.root / "results" / "store" / folder)
    needed = Workflow(project.root, {}).inputs(SimpleNamespace(key=cell.metrics[0]))
    assert needed == [f"results/store/{original.folder}/provenance.json"]


@pytest.mark.parametrize("cores", ["1", "4"])
def test_other_cores_rerun_nothing(project: Sandbox, cores: str) -> None:
    assert project.todo("--cores", cores) == set()


@pytest.mark.parametrize("hash_seed", ["0", "1", "2", "3"])
def test_hash_seed_does_not_change_the_plan(project: Sandbox, hash_seed: str) -> None:
    shutil.rmtree(project.root / "results" / ".work" / "plans")
    assert project.todo(PYTHONHASHSEED=hash_seed) == set()


def test_empty_commit_reruns_nothing(project: Sandbox) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], cwd=project.root, check=True)
    for message in ("one", "two"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", message], cwd=project.root, check=True)
    assert project.todo() == set()


def test_changed_parameter_reruns_its_descendants_and_back_only_the_page(project: Sandbox) -> None:
    study = copy.deepcopy(STUDY)
    study["variants"]["drop"]["unlearn"]["far"] = 60
    project.write("tiny", study)
    assert project.todo() == AFTER_DROP
    assert project.snakemake().code == 0
    assert project.todo() == set()
    project.write("tiny", STUDY)
    assert project.todo() == {"report"}


def test_changed_claim_redecides_and_redraws_only(project: Sandbox) -> None:
    study = copy.deepcopy(STUDY)
    study["claims"][0]["criterion"]["right"] = 0.2
    project.write("tiny", study)
    assert project.todo() == {"verdict tiny/verdict", "report"}


def test_node_deleted_by_hand_is_rebuilt_alone(project: Sandbox) -> None:
    folder = next(path for name, path in project.nodes().items() if name.startswith("train/"))
    before = (folder / "model.safetensors").read_bytes()
    shutil.rmtree(folder)
    todo = project.todo() - {"report"}
    assert len(todo) == 1
    assert next(iter(todo)).startswith("train ")
    assert project.snakemake().code == 0
    assert (folder / "model.safetensors").read_bytes() == before
    assert project.todo() == set()


def test_moved_copy_with_shuffled_times_has_nothing_to_do(project: Sandbox, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "moved"
    moved.parent.mkdir()
    project.root.rename(moved)
    shuffle = random.Random(1)
    for path in moved.rglob("*"):
        os.utime(path, (shuffle.randint(1, 2**31), shuffle.randint(1, 2**31)), follow_symlinks=False)
    assert Sandbox(moved, project.environment).todo() == set()


def test_raw_file_counts_by_content(fresh: Sandbox) -> None:
    (fresh.root / "shift.txt").write_text("0.5\n")
    study = copy.deepcopy(STUDY)
    study["dataset"]["shift_file"] = "shift.txt"
    fresh.write("tiny", study)
    assert fresh.snakemake().code == 0
    os.utime(fresh.root / "shift.txt", (1, 1))
    assert fresh.todo() == set()
    (fresh.root / "shift.txt").write_text("0.7\n")
    assert "prepare tiny/original/11" in fresh.todo()


def test_two_studies_that_share_a_model_train_it_once(project: Sandbox) -> None:
    other = copy.deepcopy(STUDY)
    other["variants"] = {"base": STUDY["variants"]["original"]}
    other["targets"], other["claims"] = {}, []
    project.configure({"tiny": STUDY, "second": other})
    todo = project.todo()
    assert not any(job.startswith(("train", "prepare", "evaluate")) for job in todo)
    assert todo == {"verdict second/verdict", "report"}


def test_adding_a_study_makes_only_its_nodes(project: Sandbox) -> None:
    other = copy.deepcopy(STUDY)
    other["seeds"] = [21, 22]
    project.configure({"tiny": STUDY, "second": other})
    assert all("second" in job or job == "report" for job in project.todo())


def test_smoke_and_default_coexist(project: Sandbox) -> None:
    before = set(project.nodes())
    ran = project.snakemake("--config", "scale=smoke")
    assert ran.code == 0, ran.output
    assert before < set(project.nodes())
    assert project.todo("--config", "scale=smoke") == set()
    assert project.todo() == {"report"}


def test_plan_full_shows_every_node_and_reruns_none(project: Sandbox) -> None:
    ran = project.snakemake("-n", "--config", "plan=full")
    assert ran.code == 0
    assert ran.jobs == set()
    graph = project.snakemake("--rulegraph", "--config", "plan=full")
    for rule in ("prepare", "train", "intervene", "export", "evaluate", "verdict", "report"):
        assert f'"{rule}' in graph.output


def test_other_scale_in_config_is_a_changed_config(project: Sandbox) -> None:
    path = project.root / "config" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**config, "scale": "smoke"}))
    assert "train tiny/original/11" in project.todo()
