"""Two or three people who each computed something: whatever way their commits meet, no node is lost."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from neurosieve.plan.project import Project
from neurosieve.versioning import save_store
from tests.pipeline.clones import (
    KEYS,
    add_node,
    call,
    clone,
    commit,
    nodes,
    restore,
    save,
    two_sides,
    unmerged,
    versioned,
)
from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("apart")]


@pytest.mark.parametrize("how", ["--no-rebase", "--rebase"])
@pytest.mark.parametrize("attributes", [True, False], ids=["kept whole", "with markers"])
def test_after_a_merge_one_save_names_every_node(ann: Path, how: str, attributes: bool) -> None:
    if not attributes:
        (ann / ".gitattributes").unlink()
        commit(ann)
    bob = two_sides(ann, how)
    assert ("<<<<<<<" in (bob / "dvc.lock").read_text()) is not attributes
    assert nodes(bob) == {KEYS[2], KEYS[4]}
    list(save_store(Project(bob)))  # and nothing else: no restore before it
    assert "<<<<<<<" not in (bob / "dvc.lock").read_text()
    call(bob, "git", "add", "dvc.lock")
    if how == "--rebase":
        call(bob, "git", "-c", "core.editor=true", "rebase", "--continue")
    else:
        call(bob, "git", "commit", "-q", "--no-edit")
    commit(bob, "later")  # so that nothing is found by looking at the merge itself
    other = clone(bob, "other")
    restore(other)
    assert nodes(other) == set(KEYS[1:5])


def test_three_clones_in_both_directions(ann: Path) -> None:
    """Everybody merges everybody's, each with `git pull` and `make save` alone; all end with all nodes."""
    add_node(ann, KEYS[0])
    save(ann)
    bob, carol = clone(ann, "bob"), clone(ann, "carol")
    for root, key in ((ann, KEYS[1]), (bob, KEYS[2]), (carol, KEYS[3])):
        add_node(root, key)
        save(root)
    for into, whence, conflict in ((bob, ann, 1), (carol, bob, 1), (ann, carol, 0), (bob, ann, 0)):
        call(into, "git", "pull", "-q", "--no-rebase", str(whence), "main", code=conflict)
        save(into, "merge")
    for root in (ann, bob, carol):
        restore(root)
        assert nodes(root) == set(KEYS[:4])


@pytest.mark.parametrize("when", ["before the merge is committed", "after", "saved without restoring"])
def test_conflict_resolved_by_hand_loses_nothing(ann: Path, when: str) -> None:
    bob = two_sides(ann)
    if when == "saved without restoring":
        list(save_store(Project(bob)))
    else:
        call(bob, "git", "checkout", "--ours", "dvc.lock")
    if when != "before the merge is committed":
        commit(bob, "merge")
    restore(bob)
    assert nodes(bob) == set(KEYS[1:5])
    assert (bob / "results/store/verdict" / f"made-{KEYS[4]}" / "weights").read_text() == "Bob's"


def test_two_people_ran_the_same_study_differently(project: Sandbox) -> None:
    """Real runs: Ann changes one variant, Bob another; after the merge a third clone has nothing to compute but what
    neither could have: the study with both changes."""
    root = project.root
    versioned(root)
    assert project.cli("save").code == 0
    commit(root)
    bob = Sandbox(clone(root, "bob"), project.environment)
    assert bob.cli("restore").code == 0
    study = copy.deepcopy(STUDY)
    study["variants"]["drop-again"]["unlearn"]["far"] = 11
    bob.write("tiny", study)
    project.edit("config/studies/tiny.yaml", "rows: 10", "rows: 12")
    for box in (bob, project):
        assert box.snakemake().code == 0
        assert box.cli("save").code == 0
        commit(box.root)
    ours, theirs = set(bob.nodes()), set(project.nodes())
    call(bob.root, "git", "pull", "-q", "--no-rebase", code=1)
    assert unmerged(bob.root) <= {"dvc.lock", "results/metrics/tiny.json", "results/metrics/tiny.csv"}
    ran = bob.cli("save")
    assert ran.code == 0, ran.output
    call(bob.root, "git", "add", "dvc.lock", "results/metrics")
    call(bob.root, "git", "commit", "-q", "--no-edit")
    third = Sandbox(clone(bob.root, "third"), project.environment)
    assert third.cli("restore").code == 0
    assert set(third.nodes()) == ours | theirs
    again = {f"{stage} tiny/drop-again/{seed}" for stage in ("intervene", "evaluate") for seed in (11, 12, 13)}
    assert third.todo() == again | {"verdict tiny/verdict", "report"}
