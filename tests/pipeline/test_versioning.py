"""Saving and restoring the store with real DVC and git."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
import yaml

from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.versioning import restore_store, save_store
from neurosieve.versioning.objects import Objects
from tests.pipeline.clones import (
    KEYS,
    add_node,
    call,
    clone,
    commit,
    damage,
    dvc,
    nodes,
    objects_of,
    remote,
    restore,
    save,
    status,
)

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("apart")]


# -- with made nodes ------------------------------------------------------------------------------------------------


def test_save_touches_no_file_of_a_node_and_takes_nothing_else(ann: Path) -> None:
    add_node(ann, KEYS[1])
    store = ann / "results" / "store"
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in store.rglob("*") if path.is_file()}
    (store / "train" / f"made-{KEYS[2]}").mkdir()  # a running job's
    (store / "train" / f"made-{KEYS[3]}").mkdir()  # what a killed one may leave
    (store / "train" / f"made-{KEYS[3]}" / "weights").write_text("half")
    lines = save(ann)
    assert f"train/made-{KEYS[3]} has no provenance.json" in lines[0]
    assert lines[1] == "1 nodes committed, 1 of them new"
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in before} == before
    assert (store / "train" / f"made-{KEYS[2]}").is_dir()
    bob = clone(ann, "bob")
    restore(bob)
    assert {path.name for path in (bob / "results" / "store" / "train").iterdir()} == {f"made-{KEYS[1]}"}
    tracked = call(ann, "git", "ls-files").split()
    assert not [name for name in tracked if name.startswith("results/") and not name.startswith("results/metrics/")]


def test_second_save_has_nothing_to_do(ann: Path) -> None:
    add_node(ann, KEYS[1])
    assert save(ann)[-1] == "now commit dvc.lock and results/metrics with git"
    lines = list(save_store(Project(ann)))
    assert lines == ["1 nodes committed, 0 of them new", f"no files pushed to {remote(ann)}"]


def test_restore_adds_and_never_takes(ann: Path) -> None:
    add_node(ann, KEYS[1])
    save(ann)
    bob = clone(ann, "bob")
    own = add_node(bob, KEYS[2])
    same = add_node(bob, KEYS[1])
    inode = (same / "weights").stat().st_ino
    add_node(ann, KEYS[3], stage="export")
    save(ann)
    call(bob, "git", "pull", "-q")
    assert "1 nodes restored, 2 were here" in restore(bob)
    assert nodes(bob) == {KEYS[1], KEYS[2], KEYS[3]}
    assert own.is_dir()
    assert (same / "weights").stat().st_ino == inode
    assert "0 nodes restored, 3 were here" in restore(bob)
    save(bob)
    assert status(bob) == "Data and pipelines are up to date."


def test_damaged_cache_is_fetched_anew(ann: Path) -> None:
    add_node(ann, KEYS[1])
    save(ann)
    cached, _ = objects_of(ann, "weights", f"train/made-{KEYS[1]}")
    damage(cached)
    shutil.rmtree(ann / "results" / "store")
    assert "1 nodes restored, 0 were here" in restore(ann)
    assert (ann / "results/store/train" / f"made-{KEYS[1]}" / "weights").read_text() == f"weights of {KEYS[1]}"


@pytest.mark.parametrize("how", ["changed", "missing", "no provenance"])
def test_damaged_object_is_named_its_node_left_out_and_the_remote_mended(ann: Path, how: str) -> None:
    add_node(ann, KEYS[1])
    add_node(ann, KEYS[2])
    name = "provenance.json" if how == "no provenance" else "weights"
    _, stored = objects_of(ann, name, f"train/made-{KEYS[1]}")
    save(ann)
    if how == "missing":
        stored.unlink()
    else:
        damage(stored)
    bob = clone(ann, "bob")
    lines = restore(bob)
    assert nodes(bob) == {KEYS[2]}
    (told,) = (line for line in lines if "is left out" in line)
    assert told.startswith(f"train/made-{KEYS[1]} is left out, the next run computes it: damaged or missing in cache")
    assert f"{name} (object {stored.parent.name}{stored.name})" in told
    assert not (bob / "results" / "store" / "train" / f"made-{KEYS[1]}").exists()

    add_node(bob, KEYS[1])  # the next run
    assert f"1 damaged files mended in {remote(ann)}" in save(bob)
    other = clone(bob, "other")
    restore(other)
    assert nodes(other) == {KEYS[1], KEYS[2]}


def test_damaged_listing_is_named_and_the_rest_restored(ann: Path) -> None:
    add_node(ann, KEYS[1])
    add_node(ann, KEYS[2], stage="export")
    save(ann)
    outs = yaml.safe_load((ann / "dvc.lock").read_text())["stages"]["store"]["outs"]
    (listing,) = (out["md5"] for out in outs if out["path"] == "results/store/train")
    damage(ann.parent / "neurosieve-remote" / "files" / "md5" / listing[:2] / listing[2:])
    bob = clone(ann, "bob")
    assert any(line.startswith(f"the listing {listing} of results/store/train is damaged") for line in restore(bob))
    assert nodes(bob) == {KEYS[2]}


def test_node_whose_content_is_not_its_provenance_is_left_out(ann: Path) -> None:
    """Every object is sound, but what was saved was not."""
    folder = add_node(ann, KEYS[1])
    save(ann)
    other = add_node(ann, KEYS[2])
    (other / "weights").write_text("changed later")
    with pytest.raises(UserError, match=r"does not have the content it was stored with.*nothing is saved"):
        save(ann)
    shutil.rmtree(other)
    damage(folder / "weights")
    os.utime(folder / "weights")  # DVC looks again and takes it
    save(ann)
    bob = clone(ann, "bob")
    assert any("weights does not have the content it was stored with" in line for line in restore(bob))
    assert nodes(bob) == set()


def test_interrupted_restore_leaves_whole_nodes_only(ann: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS[1:4]:
        add_node(ann, key)
    save(ann)
    bob = clone(ann, "bob")
    place, calls = Objects.place, []

    def failing(self: Objects, name: str, target: Path) -> None:
        calls.append(name)
        if len(calls) == 5:
            raise OSError(28, "No space left on device", str(target))
        place(self, name, target)

    monkeypatch.setattr(Objects, "place", failing)
    with pytest.raises(UserError, match="is full"):
        restore(bob)
    assert len(list((bob / "results" / "store" / "train").iterdir())) == len(nodes(bob)) == 1
    monkeypatch.undo()
    assert "2 nodes restored, 1 were here" in restore(bob)


def test_save_while_a_run_adds_nodes(ann: Path) -> None:
    stop, made = threading.Event(), []

    def run() -> None:
        while not stop.is_set() and len(made) < 400:
            key = f"{len(made):016x}"
            (ann / "results" / "store" / "train" / f"made-{key}").mkdir(parents=True)  # as Snakemake does
            add_node(ann, key)
            made.append(key)

    worker = threading.Thread(target=run)
    worker.start()
    lines = list(save_store(Project(ann)))
    stop.set()
    worker.join()
    assert not any("moved" in line for line in lines)
    assert nodes(ann) == set(made)  # none was moved away
    commit(ann)
    bob = clone(ann, "bob")
    assert not any("left out" in line or "damaged" in line for line in restore(bob))
    assert nodes(bob) <= set(made)
    assert len(nodes(bob)) == int(lines[0].split()[0])


# -- what a user may meet -------------------------------------------------------------------------------------------


def test_errors_are_one_line(ann: Path, tmp_path: Path) -> None:
    add_node(ann, KEYS[1])
    save(ann)
    bare = tmp_path / "bare"
    shutil.copytree(ann / "config", bare / "config")
    for run in (save_store, lambda project: restore_store(project, ())):
        with pytest.raises(UserError, match="is not in a git repository: run `git init` there"):
            list(run(Project(bare)))
    call(bare, "git", "init", "-q")
    for run in (save_store, lambda project: restore_store(project, ())):
        with pytest.raises(UserError, match=r"DVC is not set up in .*bare: run `dvc init` there"):
            list(run(Project(bare)))

    (ann.parent / "neurosieve-remote").rename(tmp_path / "gone")
    bob = clone(ann, "bob")
    with pytest.raises(UserError, match=r"remote 'store' \(.*neurosieve-remote\) does not exist: `dvc remote modify"):
        restore(bob)
    dvc(bob, "remote", "modify", "--local", "store", "url", str(tmp_path / "gone"))
    assert "1 nodes restored, 0 were here" in restore(bob)

    dvc(bob, "remote", "modify", "--local", "store", "url", "s3://bucket/store")
    add_node(bob, KEYS[2])
    with pytest.raises(UserError, match=r"committed here, but remote 'store' \(s3://bucket/store\) cannot be written"):
        list(save_store(Project(bob)))
    (bob / ".dvc" / "config").write_text("")
    (bob / ".dvc" / "config.local").unlink()
    with pytest.raises(UserError, match="DVC has no default remote: `dvc remote add --default store PATH` names one"):
        list(save_store(Project(bob)))


def test_without_a_remote_what_the_cache_has_is_restored(ann: Path) -> None:
    add_node(ann, KEYS[1])
    save(ann)
    shutil.rmtree(ann.parent / "neurosieve-remote")
    shutil.rmtree(ann / "results" / "store")
    assert "1 nodes restored, 0 were here" in restore(ann)


def test_unknown_study_is_one_line(ann: Path) -> None:
    with pytest.raises(UserError, match="unknown study 'ssd'"):
        restore(ann, "ssd")


def test_clone_that_restored_nothing_saves_and_takes_nothing(ann: Path) -> None:
    for key in KEYS[1:4]:
        add_node(ann, key)
    save(ann)
    bob = clone(ann, "bob")
    add_node(bob, KEYS[4])
    lines = save(bob)
    assert lines[0] == "1 nodes committed, 1 of them new"
    assert lines[1] == "3 nodes that dvc.lock names are not here: it goes on naming them"
    other = clone(bob, "other")
    restore(other)
    assert nodes(other) == set(KEYS[1:5])
    save(other)
    assert status(other) == "Data and pipelines are up to date."  # what we wrote is what DVC would write


def test_exact_save_names_only_what_is_here(ann: Path) -> None:
    for key in KEYS[1:4]:
        add_node(ann, key)
    save(ann)
    shutil.rmtree(ann / "results" / "store" / "train" / f"made-{KEYS[1]}")
    lines = list(save_store(Project(ann), exact=True))
    assert lines[1] == "1 nodes that dvc.lock named are not here and leave it; its earlier commits keep them"
    commit(ann)
    other = clone(ann, "other")
    restore(other)
    assert nodes(other) == set(KEYS[2:4])


def test_save_whose_listing_is_lost_says_so_and_keeps_what_is_here(ann: Path) -> None:
    add_node(ann, KEYS[1])
    add_node(ann, KEYS[2], stage="export")
    save(ann)
    outs = yaml.safe_load((ann / "dvc.lock").read_text())["stages"]["store"]["outs"]
    (listing,) = (out["md5"] for out in outs if out["path"] == "results/store/train")
    for place in (ann / ".dvc" / "cache", ann.parent / "neurosieve-remote"):
        (place / "files" / "md5" / listing[:2] / listing[2:]).unlink()
    shutil.rmtree(ann / "results" / "store" / "export")
    lines = save(ann)
    assert lines[0].startswith(
        f"the listing {listing} of results/store/train is damaged or missing in cache and remote"
    )
    other = clone(ann, "other")
    restore(other)
    assert nodes(other) == {KEYS[1], KEYS[2]}
