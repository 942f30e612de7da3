"""A project: its settings, and plans that are remembered until something that makes them changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from tests import toys

from neurosieve.errors import UserError
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.project import Project


@pytest.fixture
def root(tmp_path: Path) -> Path:
    toys.project(tmp_path)
    return tmp_path


def configure(root: Path, text: str) -> None:
    (root / "config" / "config.yaml").write_text(text)


def test_found_from_any_folder_below(root: Path) -> None:
    below = root / "results" / "store"
    below.mkdir(parents=True)
    assert Project.here(start=below).root == Project.here(start=root).root == root.resolve()


def test_no_project_here(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config/config\.yaml in .* or above: run this inside a neurosieve project"):
        Project.here(start=tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("studies: [tiny]\nscael: smoke\n", 2, "unknown key 'scael' .did you mean 'scale'"),
        ("studies: [tiny]\nscale: huge\n", 2, "scale: Input should be 'smoke', 'default' or 'full' .got 'huge'"),
        ("scale: smoke\n", 1, "key 'studies' is missing"),
        ("studies: [tiny, tiny]\n", 1, "a study is listed twice"),
        ("studies: [tiny]\nseeds: []\n", 2, "seeds"),
        ("studies: [tiny]\nseeds: [1, 1]\n", 2, "seeds must differ"),
        ("studies: [tiny\n", 2, "expected"),
    ],
)
def test_settings_that_are_refused(root: Path, text: str, line: int, message: str) -> None:
    configure(root, text)
    with pytest.raises(UserError, match=rf"config\.yaml:{line}:.*{message}"):
        _ = toys.again(root).settings


def test_unknown_study_and_study_without_a_file(root: Path) -> None:
    with pytest.raises(UserError, match=r"unknown study 'tyni'.*tiny"):
        toys.again(root).plan("tyni")
    configure(root, "studies: [tiny, other]\n")
    with pytest.raises(UserError, match=r"config\.yaml:1: study 'other' has no file config/studies/other\.yaml"):
        toys.again(root).plans()


def test_scale_of_the_command_line_goes_first(root: Path) -> None:
    assert toys.again(root).plan("tiny").scale == "default"
    assert toys.again(root, "smoke").plan("tiny").scale == "smoke"


def test_settings_override_seeds_of_every_study(root: Path) -> None:
    configure(root, "studies: [tiny]\nseeds: [21, 22, 23, 24]\n")
    assert {cell.seed for cell in toys.again(root).plan("tiny").cells} == {21, 22, 23, 24}


# -- the cache ----------------------------------------------------------------------------------------------------


@pytest.fixture
def expansions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Studies that were expanded, in order."""
    seen: list[str] = []
    expand = Project._expand

    def counted(self: Project, path: Path, cache: Path):
        seen.append(path.stem)
        return expand(self, path, cache)

    monkeypatch.setattr(Project, "_expand", counted)
    return seen


def test_unchanged_study_is_expanded_once(root: Path, expansions: list[str]) -> None:
    first = toys.again(root).plan("tiny")
    assert toys.again(root).plan("tiny") == first
    assert expansions == ["tiny"]
    toys.again(root, "smoke").plan("tiny")
    toys.again(root, "smoke").plan("tiny")
    toys.again(root).plan("tiny")
    assert expansions == ["tiny", "tiny"]


def test_changed_study_or_settings_are_expanded_anew(root: Path, expansions: list[str]) -> None:
    toys.again(root).plan("tiny")
    path = root / "config" / "studies" / "tiny.yaml"
    path.write_text(path.read_text().replace("rows: 10", "rows: 11"))
    toys.again(root).plan("tiny")
    configure(root, "studies: [tiny]\nseeds: [5, 6]\n")
    toys.again(root).plan("tiny")
    configure(root, "studies: [tiny]\nseeds: [5, 6]\ntargets: []\n")
    toys.again(root).plan("tiny")
    assert len(expansions) == 4


def test_changed_sources_are_expanded_anew(root: Path, expansions: list[str]) -> None:
    toys.again(root).plan("tiny")
    other = toys.again(root)
    other.source = Source(toys.sources(), memory=toys.source().memory)
    other.source.__dict__["digest"] = "another"
    other.plan("tiny")
    assert len(expansions) == 2


def test_raw_file_changes_the_plan_by_content_only(root: Path, expansions: list[str]) -> None:
    (root / "shift.txt").write_text("0.5")
    study = toys.study(dataset={"use": "toy.points", "shift_file": "shift.txt"})
    toys.project(root, {"tiny": study})
    first = toys.again(root).plan("tiny")
    os.utime(root / "shift.txt", (1, 1))
    assert toys.again(root).plan("tiny") == first
    assert len(expansions) == 1
    (root / "shift.txt").write_text("0.7")
    assert set(toys.again(root).plan("tiny").nodes).isdisjoint(first.nodes)
    (root / "shift.txt").unlink()
    with pytest.raises(UserError, match=r"no file shift\.txt"):
        toys.again(root).plan("tiny")


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[]", b"null", b'{"slug": 1}'])
def test_damaged_cache_is_no_obstacle(root: Path, expansions: list[str], content: bytes) -> None:
    first = toys.again(root).plan("tiny")
    work = root / "results" / ".work"
    for path in [*(work / "plans").glob("*.json"), work / "hashes.json"]:
        path.write_bytes(content)
    (work / "syntax.json").write_bytes(content)
    made = Project(root)
    made.source = Source(toys.sources(), memory=made._read_memory("syntax.json"))
    assert made.plan("tiny") == first
    assert len(expansions) == 2


def test_folder_that_cannot_be_written_costs_only_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "no", str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert toys.again(root).plan("tiny").cells
    assert not list((root / "results" / ".work").rglob("*.json"))


def test_old_plans_are_forgotten(root: Path) -> None:
    path = root / "config" / "studies" / "tiny.yaml"
    text = path.read_text()
    for number in range(24):
        path.write_text(f"{text}# {number}\n")
        toys.again(root).plan("tiny")
    plans = list((root / "results" / ".work" / "plans").glob("*.json"))
    assert len(plans) <= 21
    assert yaml.safe_load(text)["seeds"] == [11, 12, 13]
