import numpy as np
import pytest

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.datasets.selection.where import Params, prepare
from neurosieve.errors import UserError


def made() -> Dataset:
    info = DatasetInfo(
        name="toy",
        origin="simulated",
        source="tests",
        licence="none",
        inputs="x",
        target="label",
        columns={
            "sample_id": ColumnInfo(meaning="row"),
            "x": ColumnInfo(meaning="input"),
            "label": ColumnInfo(meaning="class"),
            "face": ColumnInfo(meaning="font"),
            "secret": ColumnInfo(meaning="really manipulated", hidden=True),
        },
    )
    splits = {
        name: {
            "sample_id": [f"{name}{i}" for i in range(6)],
            "x": np.zeros((6, 2), np.float32),
            "label": np.arange(6) % 3,
            "face": ["Serif", "Sans"] * 3,
            "secret": np.arange(6),
        }
        for name in ("train", "test")
    }
    return Dataset.from_arrays(info, splits)


def test_applies_to_every_split():
    chosen = prepare(Params(where="label = 1"), made())
    assert {name: rows.tolist() for name, rows in chosen.rows.items()} == {"train": [1, 4], "test": [1, 4]}
    assert chosen.what == "label = 1"


def test_conditions_combine():
    chosen = prepare(Params(where="label IN (0, 1) AND face = 'Serif'"), made())
    assert chosen.rows["train"].tolist() == [0, 4]


def test_nothing_matches():
    assert len(prepare(Params(where="label = 9"), made()).rows["train"]) == 0


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("colour = 1", "no such column .*colour.*; toy has sample_id, label, face"),
        ("secret = 1", "no such column .*secret.*; toy has sample_id, label, face$"),
        ("x = 1", "no such column"),
        ("label = = 1", "columns of toy: sample_id, label, face"),
        ("label +", "columns of toy"),
        ("label + 1", "not true or false but Int64; write a comparison"),
        ("label = 'three'", "columns of toy"),
    ],
)
def test_bad_conditions_name_the_columns(where, message):
    with pytest.raises(UserError, match=message):
        prepare(Params(where=where), made())


def test_a_constant_condition_is_every_row():
    assert prepare(Params(where="TRUE"), made()).rows["train"].tolist() == list(range(6))
