"""What a file seems to hold: the loader, and which column is what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

from neurosieve.artifacts.dataset import Dataset
from neurosieve.errors import UserError
from neurosieve.jobs.load import verb
from neurosieve.own.guess import Guess, guess

N = 60
IDS = [f"{n:04d}" for n in range(N)]
WORDS = [["train", "train", "val", "test"][n % 4] for n in range(N)]
AGES = [20.5 + n for n in range(N)]


def loaded(found: Guess, folder: Path) -> Dataset:
    """The dataset that the guessed loader makes of the guessed parameters."""
    params = {**found.params, "file": str(folder / found.params["file"])}
    component = verb(f"datasets.{found.use}", "prepare", params)
    return component(params=component.params)


def guessed(folder: Path, **columns: object) -> Guess:
    pl.DataFrame(columns).write_csv(folder / "t.csv")
    return guess(folder / "t.csv", "t.csv")


def test_a_table_of_text_is_read_by_names(tmp_path: Path) -> None:
    found = guessed(
        tmp_path, patient_id=[f"p{n // 3}" for n in range(N)], row=IDS, age=AGES, note=["x"] * N, split=WORDS,
        diagnosis=["b", "a"] * (N // 2),
    )  # fmt: skip
    assert found.params == {
        "file": "t.csv", "name": "t", "splits": "split", "id": "row", "subject": "patient_id", "target": "diagnosis",
        "classes": ["a", "b"], "inputs": ["age"],
    }  # fmt: skip
    data = loaded(found, tmp_path)
    assert data.split("train").ids[0] == "0000"
    assert data.info.subject == "patient_id"
    assert any("left out: note" in line for line in found.told)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ([n % 3 for n in range(N)], {}),
        ([1 + n % 3 for n in range(N)], {"classes": ["1", "2", "3"]}),
        ([float(n % 2) for n in range(N)], {"classes": ["0", "1"]}),
        ([0.25 + n for n in range(N)], {"regression": True}),
        ([10 * n + 5 for n in range(N)], {"regression": True}),
        ([n % 30 for n in range(N)], {}),
    ],
    ids=["counted", "from-one", "floats", "numbers", "whole-numbers", "many-classes"],
)
def test_targets_are_taken_as_the_loader_takes_them(
    tmp_path: Path, values: list[float], part: dict[str, object]
) -> None:
    found = guessed(tmp_path, age=AGES, target=values)
    assert {name: found.params[name] for name in ("classes", "regression") if name in found.params} == part
    assert loaded(found, tmp_path).info.regression == part.get("regression", False)


def test_without_a_name_the_last_column_is_predicted_and_it_is_said(tmp_path: Path) -> None:
    found = guessed(tmp_path, age=AGES, height=AGES, kind=["u", "v"] * (N // 2))
    assert found.params["target"] == "kind"
    assert "target: kind, the last column; no name said so: mend it if that is wrong" in found.told
    assert any(line.startswith("splits: no column says") for line in found.told)


@pytest.mark.parametrize("slip", ["trian", ""])
def test_a_slip_in_the_splits_or_in_a_number_is_told(tmp_path: Path, slip: str) -> None:
    found = guessed(
        tmp_path, age=["", "abc", *map(str, AGES[2:])], height=AGES, split=[slip, *WORDS[1:]],
        note=["x"] * N, kind=["u", "v"] * (N // 2),
    )  # fmt: skip
    assert (found.params["splits"], found.params["target"]) == ("split", "kind")
    shown = f"'{slip}'" if slip else "empty"
    assert f"splits: it is {shown} in row 1, none of train, validation, test: mend it" in found.told
    assert "age: row 1 is no number, nor are 1 more, so it is left out: mend the file if age is an input" in found.told
    assert not any(line.startswith("note:") for line in found.told)
    with pytest.raises(UserError, match="row 1"):
        loaded(found, tmp_path)


def test_a_person_column_whose_values_differ_names_rows(tmp_path: Path) -> None:
    found = guessed(tmp_path, patient_id=IDS, age=AGES, y=[n % 2 for n in range(N)])
    assert (found.params["id"], "subject" in found.params) == ("patient_id", False)


def test_tensors_are_the_inputs(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(N, 2, 3)).astype(np.float32)
    np.savez(tmp_path / "a.npz", image=x, label=np.arange(N) % 2, age=np.array(AGES))
    assert guess(tmp_path / "a.npz", "a.npz").params["inputs"] == "image"
    assert loaded(guess(tmp_path / "a.npz", "a.npz"), tmp_path).info.input_shape == (2, 3)
    tensor = pa.FixedShapeTensorArray.from_numpy_ndarray(x)
    table = pa.table({"id": IDS, "image": tensor, "label": [n % 2 for n in range(N)]})
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    pl.DataFrame({"id": IDS, "image": x.reshape(N, 6).tolist(), "label": [0, 1] * (N // 2)}).write_parquet(
        tmp_path / "a.parquet"
    )
    for name in ("a.arrow", "a.parquet"):
        found = guess(tmp_path / name, name)
        assert (found.use, found.params["inputs"], found.params["id"]) == ("own.arrow", "image", "id")
        assert loaded(found, tmp_path).info.inputs == "x"


@pytest.mark.parametrize("split", [False, True])
def test_a_folder_of_images_tells_its_classes_in_order_of_text(tmp_path: Path, split: bool) -> None:
    for part in ("train", "test") if split else (".",):
        for name in ("10", "2", "0"):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("L", (2, 2)).save(tmp_path / part / name / "a.png")
    found = guess(tmp_path, "pictures")
    assert found.use == "own.image_folder"
    assert found.params["classes"] == ["0", "10", "2"]
    assert found.params.get("splits") == ("folders" if split else None)
    assert any("in order of text (0, 1, 10, 11, 2)" in line for line in found.told)


def test_what_cannot_be_guessed_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_text("")
    (tmp_path / "broken.parquet").write_text("PAR1 not")
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "only.npz", image=np.zeros((N, 2)))
    for name, message in (
        ("x.xlsx", r"no loader for '\.xlsx'; there are \.arrow, \.csv"),
        ("broken.parquet", r"broken\.parquet cannot be read"),
        ("empty", "no image"),
        ("only.npz", "no column is left to be predicted; it has image"),
    ):
        with pytest.raises(UserError, match=message):
            guess(tmp_path / name, name)
    with pytest.raises(UserError, match="no column of numbers is left"):
        guessed(tmp_path, word=["x"] * N, target=[n % 2 for n in range(N)])
