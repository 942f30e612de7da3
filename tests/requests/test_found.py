"""Nodes as a request sees them: kinds, reasons in order, and erased datasets by their tags."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.owned import owned

from neurosieve.artifacts.dataset import write_dataset
from neurosieve.artifacts.erased import erase_files, keep_tags, to_erase
from neurosieve.artifacts.requested import Asked
from neurosieve.artifacts.store import write_provenance
from neurosieve.errors import UserError
from neurosieve.requests.found import Found, Reason, named_by_tags

KEY = bytes(range(32))
ANN = Asked("R-1.csv", "subject", ("ann", "nobody"), (2, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An erased dataset."""
    write_dataset(tmp_path, owned(fitted=("train",)))
    write_provenance(tmp_path, {"key": "0" * 16, "stage": "prepare", "name": "owned", "recipe": {}}, {})
    keep_tags(tmp_path, owned(fitted=("train",)), KEY)
    erase_files(tmp_path, to_erase(tmp_path), "R-0", "2026-11-25")
    return tmp_path


def test_reasons_come_gravest_first_and_descent_before_reading() -> None:
    node = Found("0" * 16, "train/a", "train", {"component": {"use": "training.a", "code": "0"}})
    assert (node.kind, node.how, node.affected) == ("model", None, False)
    reasons = [Reason("measured", "m", 1), Reason("computed", "c", 1), Reason("learned", "read", 2, "d"),
               Reason("learned", "made", 0, "p"), Reason("unknown", "u")]  # fmt: skip
    for reason in reasons:
        node.add(reason)
    assert [one.what for one in node.reasons] == ["made", "read", "c", "u", "m"]
    assert (node.how, node.affected) == ("learned", True)
    only = Found("1" * 16, "evaluate/a", "evaluate", {}, reasons=[Reason("measured", "m")])
    assert (only.kind, only.affected) == ("metrics", False)
    assert Found("2" * 16, "export/a", "export", {}, erased=("model.onnx",)).gone
    assert not Found("3" * 16, "evaluate/a", "evaluate", {}, erased=("items.parquet",)).gone


def test_rows_of_an_erased_dataset_are_found_by_tag(folder: Path) -> None:
    named = named_by_tags(folder, ANN, KEY)
    assert named is not None
    assert {name: rows.tolist() for name, rows in named.rows.items()} == {"test": [1], "train": [0, 3]}
    assert (named.ids, named.tagged, named.fitted, named.count) == ({"ann"}, True, ("train",), 3)
    by_row = named_by_tags(folder, Asked("R-1.csv", "sample_id", ("0087", "t1"), (2, 3)), KEY)
    assert by_row is not None
    assert {name: rows.tolist() for name, rows in by_row.rows.items()} == {"test": [1], "train": [0]}
    assert [len(tags) for tags in by_row.names["subject"]["train"]] == [1]


def test_what_cannot_be_told_of_an_erased_dataset(folder: Path) -> None:
    other = named_by_tags(folder, ANN, bytes(32))
    assert other is not None
    assert other.count == 0
    (folder / "erased.arrow").unlink()
    assert named_by_tags(folder, ANN, KEY) is None
    (folder / "dataset.json").unlink()
    with pytest.raises(UserError, match=r"dataset\.json cannot be read"):
        named_by_tags(folder, ANN, KEY)
