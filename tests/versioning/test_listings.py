"""Reading `dvc.lock`: conflict markers, and what a listing may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from neurosieve.errors import UserError
from neurosieve.versioning.listings import Listing, current, in_conflict, sides
from neurosieve.versioning.objects import Objects

OURS, BASE, THEIRS = (f"    - path: results/store/train\n      md5: {digit * 32}.dir\n" for digit in "123")
HEAD, TAIL = "stages:\n  store:\n    outs:\n", "    - path: results/metrics/a.json\n      md5: aa\n"
PLAIN = f"{HEAD}<<<<<<< HEAD\n{OURS}=======\n{THEIRS}>>>>>>> bob\n{TAIL}"
DIFF3 = f"{HEAD}<<<<<<< HEAD\n{OURS}||||||| 0123abc\n{BASE}=======\n{THEIRS}>>>>>>> bob\n{TAIL}"


@pytest.mark.parametrize("text", [PLAIN, DIFF3], ids=["plain", "diff3"])
def test_both_sides_of_a_conflict_are_read_whole(text: str) -> None:
    assert in_conflict(text)
    assert sides(text) == [HEAD + OURS + TAIL, HEAD + THEIRS + TAIL]


def test_text_without_a_conflict_is_its_only_side() -> None:
    text = HEAD + OURS + "# =======\n"
    assert not in_conflict(text)
    assert sides(text) == [text]


@pytest.mark.parametrize("text", ["stages: [", "stages: 3\n", "- a\n"])
def test_unreadable_lock_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(UserError, match=r"dvc\.lock cannot be read"):
        current(tmp_path)


def test_only_listings_of_the_store_count(tmp_path: Path) -> None:
    (tmp_path / "dvc.lock").write_text(HEAD + OURS + TAIL)
    assert current(tmp_path) == [Listing("train", "1" * 32 + ".dir")]


def test_a_listing_names_complete_nodes_and_nothing_outside(tmp_path: Path) -> None:
    class Cache:
        def path(self, name: str) -> Path:
            return tmp_path / name

    names = ["a-1/provenance.json", "a-1/deep/x", "b-2/x", "../evil/provenance.json", "/evil/provenance.json", "stray"]
    (tmp_path / "0.dir").write_text(json.dumps([{"md5": str(i), "relpath": name} for i, name in enumerate(names)]))
    found = Listing("train", "0.dir").nodes(cast(Objects, Cache()))
    assert found == {"train/a-1": {"provenance.json": "0", "deep/x": "1"}}
