import numpy as np
import pytest

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.raw import raw_fields
from neurosieve.datasets.selection.ids import Params, prepare
from neurosieve.errors import UserError

IDS = ["0087", "87", "0012", "12", "0003", "a,b"]


def made() -> Dataset:
    columns = {name: ColumnInfo(meaning=name) for name in ("sample_id", "x")}
    info = DatasetInfo(name="toy", origin="simulated", source="tests", licence="none", inputs="x", columns=columns)
    return Dataset.from_arrays(
        info,
        {
            "train": {"sample_id": IDS, "x": np.zeros((6, 1))},
            "test": {"sample_id": ["t1", "t2"], "x": np.zeros((2, 1))},
        },
    )


def chosen(tmp_path, text: str, encoding: str = "utf-8") -> list[str]:
    file = tmp_path / "ids.csv"
    file.write_text(text, encoding=encoding)
    rows = prepare(Params(ids_file=str(file)), made()).rows
    assert set(rows) == {"train"}
    return [IDS[row] for row in rows["train"]]


@pytest.mark.parametrize(
    "text",
    [
        "sample_id\n0087\n0012\n",
        "0012\n0087",
        "sample_id,why\n0087,asked\n0012,\n",
        "n,sample_id\r\n1,0012\r\n2,0087\r\n",
        ' "0012" \n\n0087 \n',
    ],
)
def test_ids_are_text(tmp_path, text):
    assert chosen(tmp_path, text) == ["0087", "0012"]


def test_byte_order_mark_and_quoted_ids(tmp_path):
    assert chosen(tmp_path, 'sample_id\n"a,b"\n', "utf-8-sig") == ["a,b"]
    assert chosen(tmp_path, "87\n") == ["87"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0087\n1\n2\n0012\n3\n", "3 of 5 ids not in the data: 1, 2, 3$"),
        ("1\n2\n3\n4\n", "4 of 4 ids not in the data: 1, 2, 3, …"),
        ("087\n", "1 of 1 ids not in the data: 087"),
        ("0087\nt1\nt2\n", "2 of 3 ids are rows of split 'test', not training rows: t1, t2"),
        ("0087\n0012\n0087\n", "id '0087' is listed twice"),
        ("", "the list of ids is empty"),
        ("sample_id\n", "the list of ids is empty"),
        ("a,b\nc,d\n", r"none is called sample_id \(first line: a, b\)"),
        ("sample_id,why\n0087,x\n,y\n", "id number 2 is empty"),
    ],
)
def test_bad_lists(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        chosen(tmp_path, text)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read as CSV"):
        prepare(Params(ids_file=str(tmp_path / "none.csv")), made())


def test_the_plan_finds_the_file():
    assert raw_fields(Params) == ["ids_file"]
