"""Data: whole splits, and the parts all, forget and retain by a selection."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import blobs, dataset_of

from neurosieve.artifacts.data import Data, Selection, read_selection, write_selection
from neurosieve.errors import UserError


def test_parts_partition_every_split() -> None:
    dataset = blobs(rows=30, test=12)
    rows = {"train": np.array([0, 3, 29]), "test": np.array([1, 2])}
    data = Data.of(dataset, Selection(rows, "some"))
    assert data.all is data.train
    for split in ("train", "test"):
        parts = [data.part(name, split) for name in ("forget", "retain")]
        assert parts[0].ids.tolist() == dataset.split(split).ids[rows[split]].tolist()
        assert sorted(np.concatenate([part.ids for part in parts])) == sorted(dataset.split(split).ids)
    assert np.array_equal(data.forget.x, data.train.x[[0, 3, 29]])
    assert len(data.retain) == 27


@given(st.sets(st.integers(0, 19), min_size=1), st.lists(st.integers(0, 19), min_size=1, unique=True))
def test_parts_of_a_narrowed_split(chosen: set[int], kept: list[int]) -> None:
    """Row numbers mean rows of the whole split, however it was narrowed."""
    dataset = blobs(rows=20)
    data = Data.of(dataset, Selection({"train": np.array(sorted(chosen))}, "some"))
    narrowed = Data(data.info, {**data.splits, "train": data.train.take(np.array(kept))}, data.selection)
    ids = dataset.split("train").ids
    assert narrowed.forget.ids.tolist() == [ids[row] for row in kept if row in chosen]
    assert narrowed.retain.ids.tolist() == [ids[row] for row in kept if row not in chosen]


def test_split_without_selected_rows_is_all_retained() -> None:
    data = Data.of(blobs(), Selection({"train": np.array([1])}, "one"))
    assert len(data.part("forget", "test")) == 0
    assert len(data.part("retain", "test")) == len(data.test)


def test_without_a_selection_nothing_is_forgotten_or_retained() -> None:
    data = Data.of(blobs())
    assert len(data.all) == len(data.train)
    for part in ("forget", "retain"):
        with pytest.raises(UserError, match=f"asked for the {part} rows, but the study forgets nothing"):
            getattr(data, part)


def test_withheld_split() -> None:
    data = Data.of(blobs())
    with pytest.raises(UserError, match="has no split 'validation' here; there are train, test"):
        _ = data.validation


def test_selection_round_trip(tmp_path: Path) -> None:
    dataset = blobs(rows=20, test=10)
    selection = Selection({"train": np.array([2, 7]), "test": np.array([0])}, "label = 1")
    write_selection(tmp_path, selection, dataset)
    back = read_selection(tmp_path)
    assert back.what == "label = 1"
    assert {name: rows.tolist() for name, rows in back.rows.items()} == {"train": [2, 7], "test": [0]}
    assert np.array_equal(back.mask(dataset.split("train")), np.isin(np.arange(20), [2, 7]))


def test_selection_keeps_row_numbers_and_no_id(tmp_path: Path) -> None:
    import polars as pl

    dataset = dataset_of({"train": (np.zeros((4, 2)), np.arange(4)), "test": (np.zeros((2, 2)), np.arange(2))})
    write_selection(tmp_path, Selection({"train": np.array([3, 1])}, "two"), dataset)
    frame = pl.read_ipc(tmp_path / "selection.arrow")
    assert frame.rows() == [("train", 3), ("train", 1)]
    assert not any(b"train000" in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize(("rows", "message"), [([], "matches no training row"), (range(6), "matches all 6 training")])
def test_selection_of_nothing_or_everything_is_refused(tmp_path: Path, rows, message: str) -> None:
    dataset = blobs(rows=6)
    with pytest.raises(UserError, match=message):
        write_selection(tmp_path, Selection({"train": np.array(rows, dtype=int)}, "label = 9"), dataset)
    assert list(tmp_path.iterdir()) == []
