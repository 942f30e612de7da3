"""A fresh clone after restoring, with real Snakemake: nothing to do, one changed value, damage, parts."""

from __future__ import annotations

import copy
import shutil

import pytest

from tests.pipeline.clones import KEYS, add_node, clone, commit, damage, objects_of, versioned
from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("apart")]


def test_restored_clone_has_nothing_but_the_page_to_do(project: Sandbox) -> None:
    """FC-E4, and a partial restore before it."""
    root = project.root
    versioned(root)
    add_node(root, KEYS[1])  # of no study
    assert project.cli("save").code == 0
    commit(root)
    other = Sandbox(clone(root, "clone"), project.environment)

    ran = other.cli("restore", "tiny")
    assert ran.code == 0, ran.output
    assert other.nodes().keys() == project.nodes().keys() - {f"train/made-{KEYS[1]}"}
    foreign = list(objects_of(root, "weights", f"train/made-{KEYS[1]}"))
    assert foreign[1].exists()
    assert not (other.root / foreign[0].relative_to(root)).exists()
    assert "results/report/index.html" in ran.output
    assert other.todo() == set()

    shutil.rmtree(other.root / "results" / "report")
    assert other.todo() == {"report"}
    study = copy.deepcopy(STUDY)
    study["variants"]["drop-again"]["unlearn"]["far"] = 11
    other.write("tiny", study)
    changed = {f"{stage} tiny/drop-again/{seed}" for stage in ("intervene", "evaluate") for seed in (11, 12, 13)}
    assert other.todo() == changed | {"verdict tiny/verdict", "report"}
    ran = other.cli("intervene", "tiny", "drop-again/11")  # from inputs that DVC made read-only
    assert ran.code == 0, ran.output

    assert "1 nodes restored" in other.cli("restore").output
    assert f"train/made-{KEYS[1]}" in other.nodes()


def test_node_that_left_the_lock_comes_from_an_earlier_commit(project: Sandbox) -> None:
    """A clone restored in part saves less than it was given; nothing that studies need is lost by that."""
    root = project.root
    versioned(root)
    all_nodes = project.nodes()
    add_node(root, KEYS[1])
    assert project.cli("save").code == 0
    commit(root)
    shutil.rmtree(root / "results" / "store" / "train")
    ran = project.cli("save", "--exact")
    assert f"{1 + sum(name.startswith('train/') for name in all_nodes)} nodes that dvc.lock named" in ran.output
    commit(root)
    other = Sandbox(clone(root, "clone"), project.environment)
    assert other.cli("restore").code == 0
    assert other.nodes().keys() == all_nodes.keys()  # not what no study needs


def test_one_changed_value_runs_its_jobs_and_changed_back_only_the_page(project: Sandbox) -> None:
    root = project.root
    versioned(root)
    assert project.cli("save").code == 0
    commit(root)
    other = Sandbox(clone(root, "clone"), project.environment)
    assert other.cli("restore").code == 0
    before = set(other.nodes())
    other.edit("config/studies/tiny.yaml", "far: 10", "far: 11")
    assert other.snakemake().code == 0
    made = sorted(name.partition("/")[0] for name in set(other.nodes()) - before)
    assert made == ["evaluate"] * 3 + ["intervene"] * 3 + ["verdict"]
    assert other.todo() == set()
    other.edit("config/studies/tiny.yaml", "far: 11", "far: 10")
    assert other.todo() == {"report"}


def test_damaged_and_missing_objects_are_recomputed_alike(project: Sandbox) -> None:
    root = project.root
    versioned(root)
    models = sorted(name for name in project.nodes() if name.startswith("train/"))[:2]
    (_, changed), (_, gone) = (objects_of(root, "model.safetensors", name) for name in models)
    before = [(root / "results" / "store" / name / "model.safetensors").read_bytes() for name in models]
    assert project.cli("save").code == 0
    commit(root)
    damage(changed)
    gone.unlink()
    other = Sandbox(clone(root, "clone"), project.environment)
    ran = other.cli("restore")
    assert ran.code == 0, ran.output
    for name, stored in zip(models, (changed, gone), strict=True):
        assert f"{name} is left out, the next run computes it: damaged or missing in cache" in ran.output
        assert f"model.safetensors (object {stored.parent.name}{stored.name})" in ran.output
    assert sorted(job.partition(" ")[0] for job in other.todo()) == ["report", "train", "train"]
    assert other.snakemake().code == 0
    assert [(other.root / "results" / "store" / name / "model.safetensors").read_bytes() for name in models] == before
    assert "2 damaged files mended" in other.cli("save").output


def test_only_one_kind_or_one_study(project: Sandbox) -> None:
    root = project.root
    second = copy.deepcopy(STUDY)
    second["seeds"] = [21, 22]
    project.configure({"tiny": STUDY, "second": second})
    assert project.snakemake().code == 0
    versioned(root)
    assert project.cli("save").code == 0
    commit(root)
    other = Sandbox(clone(root, "clone"), project.environment)

    def stages() -> set[str]:
        return {name.partition("/")[0] for name in other.nodes()}

    ran = other.cli("restore", "second", "--only", "models")
    assert ran.code == 0, ran.output
    assert "second (default): 10 of 10 nodes of train, intervene are here" in ran.output
    assert stages() == {"train", "intervene"}
    models = [path for path in (other.root / ".dvc" / "cache").rglob("*") if path.is_file()]
    assert len(models) < 60  # neither data nor the other study's models came along

    assert other.cli("restore", "second", "--only", "metrics", "--only", "datasets").code == 0
    assert stages() == {"train", "intervene", "evaluate", "verdict", "prepare"}
    assert "export" in "".join(other.todo("second"))
    assert other.cli("restore", "second").code == 0
    assert other.todo("second") <= {"report"}
    assert len(other.nodes()) < len(project.nodes())
    assert other.cli("restore").code == 0
    assert other.nodes().keys() == project.nodes().keys()
    assert other.cli("restore", "--only", "weights").code == 2
