"""What every loader's rows become: ids, subjects, names of columns, and the refusal of numbers that are none."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurosieve.datasets.own.rows import Found, Own, dataset
from neurosieve.errors import UserError


def found(rows: int = 60, **changes: object) -> Found:
    fields = {
        "x": np.arange(rows * 2, dtype=np.float64).reshape(rows, 2), "ids": np.array([f"{n:04d}" for n in range(rows)]),
        "target": np.arange(rows) % 3, "target_name": "kind", "axes": ("age", "size"), **changes,
    }  # fmt: skip
    return Found("own.csv: t.csv", "t.csv", **fields)


def test_columns_and_what_is_said_of_them() -> None:
    made = dataset(found(others={"person": np.array([f"p{n}" for n in range(30)] * 2)}, subject="person"), Own())
    info = made.info
    assert list(info.columns) == ["sample_id", "x", "label", "kind", "person"]
    assert (info.target, info.class_names, info.subject, info.fitted) == ("label", ("0", "1", "2"), "person", ())
    assert sum(info.counts.values()) == 60


def test_all_rows_of_a_person_lie_in_one_split() -> None:
    people = np.array([f"p{n % 20}" for n in range(60)])
    made = dataset(found(others={"person": people}, subject="person"), Own())
    where = {name: set(split["person"].tolist()) for name, split in made.splits.items()}
    assert set.union(*where.values()) == set(people.tolist())
    assert sum(map(len, where.values())) == 20


def test_a_number_to_predict() -> None:
    made = dataset(found(target=np.linspace(0, 1, 60)), Own())
    assert (made.info.target, made.info.class_names, made.info.regression) == ("target", (), True)
    assert made.split("train").y.dtype == np.float32


def test_fitted_constants_are_told() -> None:
    made = dataset(found(), Own(preprocess=({"fit": True},)))
    assert made.info.fitted == ("train",)
    (step,) = json.loads(made.info.notes.partition("preprocess: ")[2])
    x = found().x[np.isin(found().ids, made.split("train").ids)]
    assert np.allclose(step["mean"], x.mean(axis=0))
    assert abs(made.split("train").x.mean()) < 1e-6


def test_rows_without_ids_are_numbered() -> None:
    made = dataset(found(ids=None), Own())
    assert set(np.concatenate([split.ids for split in made.splits.values()])) == {f"row{n:07d}" for n in range(60)}


def test_whole_numbers_stay_whole_unless_told_otherwise() -> None:
    tokens = np.arange(120, dtype=np.int32).reshape(60, 2)
    kinds = {None: np.int64, "float32": np.float32, "int64": np.int64}
    for dtype, kind in kinds.items():
        assert dataset(found(x=tokens), Own(dtype=dtype)).split("train").x.dtype == kind
    assert dataset(found(x=tokens.astype(np.uint8)), Own()).split("train").x.dtype == np.float32


def spoilt(value: float) -> np.ndarray:
    x = found().x
    x[17, 1] = value
    return x


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"x": spoilt(np.nan)}, r"own.csv: t.csv: size is nan in row 18"),
        ({"x": spoilt(-np.inf)}, r"size is -inf in row 18"),
        ({"x": spoilt(np.nan)[:, :, None], "axes": ()}, r"inputs at \[1, 0\] is nan in row 18"),
        ({"x": np.full((60, 2), "a")}, "inputs are <U1, not numbers"),
        ({"x": np.empty((0, 2))}, "own.csv: t.csv has no rows"),
        ({"ids": np.array(["a"] * 60)}, "rows 1 and 2 have the same id; an id names one row .* `subject`"),
        ({"ids": np.array(["", *"b" * 59])}, "the id is empty in row 1"),
        ({"others": {"label": np.zeros(60)}}, "cannot be called 'label'"),
        ({"others": {"p": np.array([""] * 60)}, "subject": "p"}, "the subject 'p' is empty in row 1"),
    ],
)
def test_what_cannot_be_used_is_refused(changes: dict, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        dataset(found(**changes), Own())
    assert "\n" not in str(caught.value)


def test_fractions_are_no_token_ids() -> None:
    with pytest.raises(UserError, match="dtype: int64, but the inputs are no whole numbers"):
        dataset(found(x=np.full((60, 2), 0.5)), Own(dtype="int64"))


def test_classes_are_two_or_more_each_once() -> None:
    assert Own(classes=[0, 1.0, True]).classes == ("0", "1", "true")
    for wrong in (["a"], ["a", "a"]):
        with pytest.raises(ValueError, match="two classes or more, each once"):
            Own(classes=wrong)
