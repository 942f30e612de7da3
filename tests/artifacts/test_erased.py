"""Erased nodes: the files go, the record stays and says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
from tests.owned import owned

from neurosieve.artifacts.data import Selection, write_selection
from neurosieve.artifacts.dataset import write_dataset
from neurosieve.artifacts.erased import erase_files, holds_ids, keep_tags, read_tags, to_erase, without_ids
from neurosieve.artifacts.hashes import sha256_of
from neurosieve.artifacts.store import PROVENANCE, Store, erased, read_provenance, write_provenance
from neurosieve.artifacts.tags import tag

KEY = bytes(range(32))


def node(root: Path, stage: str = "train") -> Path:
    """A node with weights, a checkpoint and a description."""
    folder = root / "results" / "store" / stage / f"made-{'0' * 16}"
    (folder / "checkpoints" / "e4").mkdir(parents=True)
    kept = ("model.json", "metrics.parquet", "candidates.parquet")
    for name in ("model.safetensors", "checkpoints/e4/model.safetensors", *kept):
        (folder / name).write_text(name)
    write_provenance(folder, {"key": "0" * 16, "stage": stage, "name": "made", "recipe": {}}, {"seconds": 1.0})
    return folder


def test_files_go_and_hashes_stay(tmp_path: Path) -> None:
    folder, store = node(tmp_path), Store(tmp_path / "results")
    before, dated = read_provenance(folder), (folder / PROVENANCE).stat().st_mtime_ns
    names = to_erase(folder)
    assert names == ["checkpoints/e4/model.safetensors", "model.safetensors"]
    assert erase_files(folder, names, "R-7", "2026-11-25") == sum(map(len, names))
    record = read_provenance(folder)
    assert record.pop("erased") == {"request": "R-7", "when": "2026-11-25", "files": names}
    assert record == before
    assert (folder / PROVENANCE).stat().st_mtime_ns == dated, "what was made of it is not outdated"
    left = ["candidates.parquet", "metrics.parquet", "model.json", "provenance.json"]
    assert sorted(path.name for path in folder.iterdir()) == left
    assert (to_erase(folder), store.check(folder), store.exists(f"train/{folder.name}")) == ([], None, True)
    assert erase_files(folder, names, "R-7", "2026-11-26") == 0
    (folder / "model.json").write_text("changed")
    assert "does not have the content" in str(store.check(folder)), "what stays is checked as ever"


def test_what_is_said_to_whoever_needs_it(tmp_path: Path) -> None:
    folder, measured = node(tmp_path), node(tmp_path, "evaluate")
    assert erased(read_provenance(folder)) is None
    for one in (folder, measured):
        erase_files(one, to_erase(one), "R-7", "2026-11-25")
    said = str(erased(read_provenance(folder)))
    assert said.startswith(
        f"train/made-{'0' * 16} was erased for request R-7: what needs it must begin from data without"
    )
    assert erased(read_provenance(measured)) is None, "its numbers are there"


def test_a_dataset_keeps_tags_of_what_its_rows_are_called_by(tmp_path: Path) -> None:
    write_dataset(tmp_path, owned(sources=[["x"], ["x", "y"], [], ["z"], ["z"], ["z"]]))
    write_provenance(tmp_path, {"key": "0" * 16, "stage": "prepare", "name": "owned", "recipe": {}}, {})
    keep_tags(tmp_path, owned(sources=[["x"], ["x", "y"], [], ["z"], ["z"], ["z"]]), KEY)
    erase_files(tmp_path, to_erase(tmp_path), "R-7", "2026-11-25")
    kept = read_tags(tmp_path)
    assert kept is not None
    assert Store(tmp_path).check(tmp_path) is None
    by = {(match, text): kept.filter(match=match, tag=tag(KEY, text)).select("split", "row").rows() for match, text in (
        ("sample_id", "x"), ("sample_id", "t1"), ("subject", "ann"), ("subject", "x"))}  # fmt: skip
    assert by == {
        ("sample_id", "x"): [("train", 0), ("train", 1)],
        ("sample_id", "t1"): [("test", 1)],
        ("subject", "ann"): [("test", 1), ("train", 0), ("train", 3)] if by["subject", "ann"][0][0] == "test"
        else [("train", 0), ("train", 3), ("test", 1)],
        ("subject", "x"): [],
    }  # fmt: skip
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(name in stored for name in (b"ann", b"bob", b"a,b"))


def test_ids_that_selections_once_held_are_taken_out(tmp_path: Path) -> None:
    write_selection(tmp_path, Selection({"train": np.array([1, 3])}, "two"), owned())
    assert not holds_ids(tmp_path)
    rows = pl.read_ipc((tmp_path / "selection.arrow").read_bytes())
    rows.with_columns(sample_id=pl.Series(["87", "12"])).write_ipc(tmp_path / "selection.arrow")
    write_provenance(tmp_path, {"key": "0" * 16, "stage": "prepare", "name": "f", "recipe": {}}, {})
    assert holds_ids(tmp_path)
    assert without_ids(tmp_path)
    assert not without_ids(tmp_path)
    assert pl.read_ipc(tmp_path / "selection.arrow").equals(rows)
    assert json.loads((tmp_path / PROVENANCE).read_text())["files"]["selection.arrow"] == sha256_of(
        tmp_path / "selection.arrow"
    )
    assert not holds_ids(tmp_path / "nowhere")
