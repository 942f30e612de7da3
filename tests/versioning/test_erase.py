"""Objects of files that are to be gone: found in every version of `dvc.lock`, deleted near and far, unless shared."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.pipeline.clones import add_node, commit, versioned

from neurosieve.plan.project import Project
from neurosieve.versioning.erase import Stored, erase_stored, stored, tracked
from neurosieve.versioning.listings import every
from neurosieve.versioning.objects import Objects

A, B, C = ("a" * 16, "b" * 16, "c" * 16)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def locked(root: Path, nodes: list[Path]) -> None:
    """A commit whose `dvc.lock` lists these nodes, their objects in the cache."""
    with Objects(root) as objects:
        taken = objects.take(path for node in nodes for path in sorted(node.rglob("*")) if path.is_file())
        store = root / "results" / "store" / "train"
        entries = [{"md5": name, "relpath": str(path.relative_to(store))} for path, name in taken.items()]
        name = objects.take_bytes(json.dumps(entries).encode(), ".dir")
    outs = f"stages:\n  store:\n    outs:\n    - path: results/store/train\n      md5: {name}\n"
    (root / "dvc.lock").write_text(f"schema: '2.0'\n{outs}")
    commit(root)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose history names three nodes, the first of them in an earlier commit on another branch alone."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / ".site"))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    root = tmp_path / "here"
    (root / "config").mkdir(parents=True)
    (root / "config" / "config.yaml").write_text("studies: []\n")
    versioned(root)
    config = root / ".dvc" / "config"
    config.write_text(config.read_text().replace("../../neurosieve-remote", "../../remote"))
    commit(root)
    nodes = [add_node(root, key) for key in (A, B, C)]
    subprocess.run(["git", "checkout", "-q", "-b", "other"], cwd=root, check=True)
    locked(root, nodes[:1])
    subprocess.run(["git", "checkout", "-q", "main"], cwd=root, check=True)
    locked(root, nodes[1:])
    shutil.copytree(root / ".dvc" / "cache" / "files", tmp_path / "remote" / "files")
    shutil.rmtree(nodes[2])
    return root


def test_objects_of_every_branch_go_from_cache_and_remote(root: Path) -> None:
    store = Project(root).store
    node = store.path(f"train/made-{A}")
    gone = {f"train/made-{A}": {"weights", "deep/same"}}
    found = stored(store, gone)
    weights, shared = md5(node / "weights"), md5(node / "deep" / "same")
    assert (found.names, found.shared) == ({weights}, {shared})
    assert (found.cached, found.remote) == ({weights}, {"store": {weights}})
    assert found.elsewhere == {f"train/made-{C}"}
    assert found.troubles == []
    assert erase_stored(root, found) == (1, 1)
    left = {path.parent.name + path.name for folder in (root / ".dvc/cache", root.parent / "remote")
            for path in folder.rglob("*") if path.is_file()}  # fmt: skip
    assert weights not in left
    assert {shared, md5(store.path(f"train/made-{B}") / "weights")} <= left
    again = stored(store, gone)
    assert (again.names, again.cached, again.remote) == ({weights}, set(), {"store": set()})
    assert len(every(root)) == 2


def test_a_listing_and_a_remote_that_cannot_be_had_are_told(root: Path) -> None:
    for folder in (root / ".dvc" / "cache", root.parent / "remote"):
        for path in folder.rglob("*.dir"):
            path.unlink()
    with (root / ".dvc" / "config").open("a") as config:
        config.write("['remote \"far\"']\n    url = ssh://nosuchhost.invalid/there\n")
    found = stored(Project(root).store, {f"train/made-{A}": {"weights"}})
    assert found.names == set()
    assert sum("is nowhere: what it named is not known" in line for line in found.troubles) == 2
    assert any("remote 'far' cannot be reached" in line for line in found.troubles)
    assert all("\n" not in line for line in found.troubles)


def test_a_project_without_dvc(tmp_path: Path) -> None:
    (tmp_path / "results" / "store").mkdir(parents=True)
    assert stored(Project(tmp_path).store, {"train/a": {"b"}}) == Stored()
    assert erase_stored(tmp_path, Stored()) == (0, 0)
    assert not tracked(tmp_path, "data/raw.csv")


def test_raw_files_that_git_or_dvc_has(root: Path) -> None:
    (root / "kept.csv").write_text("a\n")
    (root / "large.csv.dvc").write_text("outs: []\n")
    commit(root)
    (root / "kept.csv").unlink()
    assert [tracked(root, name) for name in ("kept.csv", "large.csv", "other.csv")] == [True, True, False]
