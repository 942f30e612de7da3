"""Parquet and Arrow IPC: scalar columns joined, tensors in each of Arrow's three forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet
import pytest

from neurosieve.datasets.own.arrow import Params, prepare
from neurosieve.errors import UserError

N = 40
X = np.arange(N * 6, dtype=np.float32).reshape(N, 2, 3)
FORMS = {
    "tensor": pa.FixedShapeTensorArray.from_numpy_ndarray(X),
    "fixed": pa.FixedSizeListArray.from_arrays(pa.FixedSizeListArray.from_arrays(pa.array(X.ravel()), 3), 2),
    "lists": pa.array(X.tolist()),
    "flat": pa.array(X.reshape(N, 6).tolist()),
}


def write(folder: Path, name: str = "t.parquet", **columns: object) -> str:
    table = pa.table({"id": [f"{n:03d}" for n in range(N)], "y": [n % 2 for n in range(N)], **columns})
    path = folder / name
    parquet.write_table(table, path) if name.endswith("parquet") else feather.write_feather(table, path)
    return str(path)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
@pytest.mark.parametrize("form", FORMS)
def test_tensors_in_every_form(tmp_path: Path, form: str, name: str) -> None:
    made = prepare(Params(file=write(tmp_path, name, x=FORMS[form]), inputs="x", target="y", id="id"))
    rows = np.array([int(one) for one in made.split("train").ids])
    expected = X.reshape(N, 6) if form == "flat" else X
    assert np.array_equal(made.split("train").x, expected[rows])


def test_scalar_columns_side_by_side_in_the_order_named(tmp_path: Path) -> None:
    file = write(tmp_path, a=np.arange(N), b=np.arange(N) / 2, on=np.arange(N) % 2 == 0)
    made = prepare(Params(file=file, inputs=["b", "on", "a"], target="y", id="id"))
    row = int(made.split("test").ids[0])
    assert made.split("test").x[0].tolist() == [row / 2, row % 2 == 0, row]


def test_token_ids_stay_whole_numbers(tmp_path: Path) -> None:
    tokens = pa.array(np.arange(N * 3, dtype=np.int32).reshape(N, 3).tolist(), pa.list_(pa.int32()))
    made = prepare(Params(file=write(tmp_path, words=tokens), inputs="words", target="y"))
    assert made.split("train").x.dtype == np.int64


def test_dictionaries_nulls_and_dates_beside_the_inputs(tmp_path: Path) -> None:
    city = pa.array(["Rome", None] * (N // 2)).dictionary_encode()
    day = pa.array(np.array(["2026-01-01"] * N, "datetime64[D]"))
    age = pa.array([1, None] * (N // 2))
    made = prepare(Params(file=write(tmp_path, x=FORMS["flat"], city=city, day=day, age=age), inputs="x", target="city",
                          classes=["Rome", ""]))  # fmt: skip
    train = made.split("train")
    assert set(train["day"].tolist()) == {"2026-01-01"}
    assert set(train["city"].tolist()) == {"Rome", ""}
    assert np.isnan(train["age"]).any()


def test_a_subject_is_text_whatever_it_was(tmp_path: Path) -> None:
    made = prepare(Params(file=write(tmp_path, x=FORMS["flat"], who=np.arange(N) // 2.0), inputs="x", subject="who"))
    assert "3" in np.concatenate([split["who"] for split in made.splits.values()])


UNEVEN = [[1.0, 2.0]] * 5 + [[1.0]] + [[1.0, 2.0]] * (N - 6)
GAP = [[1.0, 2.0]] * 3 + [None] + [[1.0, 2.0]] * (N - 4)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (UNEVEN, "'x' has 2 values in row 1 and 1 in row 6; cut or pad them to one length"),
        (GAP, "'x' is empty in row 4"),
        ([{"a": 1}] * N, "'x' holds struct<a: int64>; a list of numbers is wanted"),
        ([1.0] * 7 + [None] * (N - 7), r"x is nan in row 8"),
        (["a"] * N, r"'x' is 'a', no number, in row 1"),
    ],
)
def test_what_is_no_number_is_refused(tmp_path: Path, column: list, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        prepare(Params(file=write(tmp_path, x=pa.array(column)), inputs="x", target="y", id="id"))
    assert "\n" not in str(caught.value)


def test_two_tensors_are_not_joined(tmp_path: Path) -> None:
    file = write(tmp_path, x=FORMS["tensor"], z=np.arange(N))
    with pytest.raises(UserError, match=r"'x' has \[2, 3\] values per row and cannot be joined"):
        prepare(Params(file=file, inputs=["x", "z"], target="y"))


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing else", b"ARROW1nothing", b"a,b\n1,2\n"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(UserError, match="is neither Parquet nor Arrow, or is damaged"):
        prepare(Params(file=str(tmp_path / "t.parquet")))
