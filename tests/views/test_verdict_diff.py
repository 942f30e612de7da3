"""What became of the verdicts since a commit, with real git."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests import toys

from neurosieve.errors import UserError
from neurosieve.views.verdict_diff import FAILS, WEAKER, Change, Decided, verdict_diff
from neurosieve.views.written import evidence, write_views

HELD = Decided("holds", "firm", 0.0, "at most 0.1", "abc")


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        (HELD, HELD, 0),
        (HELD, Decided("holds", "fragile"), 0),
        (HELD, Decided("fails", "firm"), FAILS),
        (HELD, Decided("inconclusive"), WEAKER),
        (HELD, Decided("not decided"), WEAKER),
        (HELD, None, WEAKER),
        (None, Decided("fails"), 0),
        (Decided("fails"), None, 0),
        (Decided("inconclusive"), Decided("fails"), 0),
    ],
)
def test_only_what_held_can_be_lost(before: Decided | None, after: Decided | None, status: int) -> None:
    assert Change("s", "C1", before, after, "not computed").status == status


def test_cells_tell_both_sides() -> None:
    after = Decided("fails", "fragile", 0.25, "at most 0.2", "abd")
    assert Change("s", "C1", HELD, after).cells == (
        "s",
        "C1",
        "holds firm → fails fragile",
        "0 → 0.25, asked at most 0.2; the criterion changed",
    )
    assert Change("s", "C1", HELD, None, "not computed").cells[2:] == (
        "holds firm → not computed",
        "0, asked at most 0.1",
    )
    assert Change("s", "C1", None, after).cells[2:] == ("new → fails fragile", "0.25, asked at most 0.2")


def test_evidence_without_a_deciding_part() -> None:
    assert evidence([{"claim": "C", "strength": "", "hash": "0" * 64, "deciding": None}]) == {
        "C": {"strength": "", "criterion": "0" * 12}
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A computed project under git, its metrics committed."""
    folder = tmp_path / "p"
    toys.ran(folder, toys.study())
    write_views(toys.again(folder))
    (folder / ".gitignore").write_text("/results/*\n!/results/metrics/\n")
    git(folder, "init", "-q")
    commit(folder)
    return folder


def git(root: Path, *arguments: str) -> None:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(
        ["git", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **who},
    )


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "results")


def edit_metrics(root: Path, **fields: object) -> None:
    path = root / "results" / "metrics" / "tiny.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_nothing_changed(root: Path) -> None:
    lines, status = verdict_diff(toys.again(root), "HEAD", [])
    assert status == 0
    assert len(lines) == 1
    assert lines[0].startswith("1 claim: 1 unchanged (against ")


def test_a_verdict_of_the_commit_that_fails_or_is_missing_now(root: Path) -> None:
    edit_metrics(root, claims={"T1": "fails", "T2": "holds"})
    commit(root)
    lines, status = verdict_diff(toys.again(root), "HEAD", ["tiny"])
    assert status == WEAKER
    assert [line.split()[:2] for line in lines[:-1]] == [["study", "claim"], ["tiny", "T1"], ["tiny", "T2"]]
    assert "fails firm → holds firm" in lines[1]
    assert "holds → no longer a claim" in lines[2]
    assert "0 unchanged, 1 that held is undecided or gone" in lines[-1]
    assert verdict_diff(toys.again(root), "HEAD~1", [])[1] == 0


def test_another_scale_and_an_unknown_study_give_new_values_only(root: Path) -> None:
    edit_metrics(root, scale="full")
    commit(root)
    lines, status = verdict_diff(toys.again(root), "HEAD", [])
    assert status == 0
    assert lines[0] == "tiny: that commit's verdicts are of scale full, these of default"
    assert "new → holds firm" in lines[2]
    git(root, "rm", "-q", "--cached", "results/metrics/tiny.json")
    git(root, "commit", "-q", "-m", "none")
    assert verdict_diff(toys.again(root), "HEAD", [])[0][0] == "tiny: that commit has no verdicts of it"


def test_a_study_that_left_the_configuration_is_lost(root: Path) -> None:
    (root / "config" / "config.yaml").write_text("scale: default\nstudies: []\n")
    lines, status = verdict_diff(toys.again(root), "HEAD", [])
    assert status == WEAKER
    assert "holds firm → no longer a study" in lines[1]


def test_without_git_the_values_of_now(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="git knows no commit 'nowhere'"):
        verdict_diff(toys.again(root), "nowhere", [])
    monkeypatch.setenv("PATH", "")
    lines, status = verdict_diff(toys.again(root), "HEAD", [])
    assert status == 0
    assert lines[0].startswith("no git history here")
    assert "new → holds firm" in lines[2]
