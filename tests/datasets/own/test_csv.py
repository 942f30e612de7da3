"""CSV: everything is text until it is known to be a number; ids stay text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosieve.datasets.own.csv import Params, prepare
from neurosieve.errors import UserError

HEADER = "patient,person,age,size,city,kind,part\n"


def write(folder: Path, *lines: str, header: str = HEADER) -> str:
    path = folder / "people.csv"
    path.write_text(header + "\n".join(lines) + "\n")
    return str(path)


@pytest.fixture
def file(tmp_path: Path) -> str:
    rows = [
        f"{n:04d},p{n // 3},{20 + n},{n / 2},Rome,{'ill' if n % 3 else 'well'},{part}" for n, part in enumerate(PARTS)
    ]
    return write(tmp_path, *rows)


PARTS = ["train"] * 6 + ["val"] * 2 + ["test"] * 4
WANTED = {"id": "patient", "subject": "person", "target": "kind", "splits": "part", "keep": ["city", "age"]}


def test_ids_and_other_texts_stay_as_they_are(file: str) -> None:
    made = prepare(Params(file=file, inputs=["age", "size"], **WANTED))
    train = made.split("train")
    assert train.ids.tolist() == ["0000", "0001", "0002", "0003", "0004", "0005"]
    assert {name: len(split) for name, split in made.splits.items()} == {"train": 6, "validation": 2, "test": 4}
    assert train.x.tolist() == [[20 + n, n / 2] for n in range(6)]
    assert (train.y.tolist(), made.info.class_names) == ([1, 0, 0, 1, 0, 0], ("ill", "well"))
    assert train.frame().columns == ["sample_id", "label", "kind", "city", "age", "person", "part"]
    assert train.frame()["age"].to_list() == list(range(20, 26))
    assert (made.info.subject, made.info.source) == ("person", "people.csv")


def test_inputs_are_every_column_that_has_no_other_part(file: str) -> None:
    made = prepare(Params(file=file, **WANTED | {"keep": "city"}))
    assert made.split("test").x.shape == (4, 2)


def test_classes_in_the_order_of_the_networks_outputs(file: str) -> None:
    made = prepare(Params(file=file, classes=["well", "ill"], **WANTED))
    assert made.split("train").y.tolist() == [0, 1, 1, 0, 1, 1]


def test_a_column_called_sample_id_is_the_id(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"{n:03d},{n},{n % 2}" for n in range(30)), header="sample_id,a,b\n")
    made = prepare(Params(file=path, target="b"))
    assert "007" in np.concatenate([split.ids for split in made.splits.values()])
    assert made.split("train").x.shape[1] == 1


LINES = ["0001,p,20,1.5,Rome,ill,train", "0087,p,30,2.5,Rome,well,train"]


@pytest.mark.parametrize(
    ("lines", "params", "says"),
    [
        (
            LINES,
            {"target": "knd"},
            r"own.csv: people.csv: target: no column 'knd' \(did you mean 'kind'\?\); there are",
        ),
        (LINES, {"inputs": ["age", "city"]}, r"'city' is 'Rome', no number, in row 1; .* or list `inputs`"),
        ([LINES[0], "0087,p,,2.5,Rome,well,train"], {}, r"'age' is empty in row 2"),
        ([LINES[0], "0087,p,nan,2.5,Rome,well,train"], {}, r"age is nan in row 2"),
        ([LINES[0], LINES[0]], {}, "rows 1 and 2 have the same id"),
        ([LINES[0], "0087,p,30,2.5,Rome,,train"], {}, "'kind' is empty in row 2"),
        ([LINES[0], "0087,p,30,2.5,Rome,well,later"], {}, "'part' is 'later' in row 2"),
        ([], {}, "has no rows"),
    ],
)
def test_what_cannot_be_used_is_told_with_column_and_row(
    tmp_path: Path, lines: list[str], params: dict, says: str
) -> None:
    with pytest.raises(UserError, match=says) as caught:
        prepare(Params(file=write(tmp_path, *lines), **WANTED | {"keep": "city", "inputs": ["age", "size"]} | params))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UserError, match=r"own.csv: .*empty.csv cannot be read as CSV"):
        prepare(Params(file=str(tmp_path / "empty.csv")))


def test_a_number_to_predict_by_its_point(tmp_path: Path) -> None:
    path = write(tmp_path, *(f"{n},{n},{n / 3}" for n in range(30)), header="id,a,b\n")
    made = prepare(Params(file=path, id="id", target="b"))
    assert made.info.regression
    assert np.isin(np.float32(1 / 3), np.concatenate([split.y for split in made.splits.values()]))
