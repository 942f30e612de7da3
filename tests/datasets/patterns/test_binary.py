"""Own patterns from both kinds of file, such as digits at median threshold, and one line for what is wrong."""

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_digits

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.artifacts.view import View
from neurosieve.datasets.patterns.binary import Params, prepare
from neurosieve.errors import UserError
from neurosieve.evaluation.associative import recall
from neurosieve.training.hebbian import supervised


@pytest.fixture
def digits(tmp_path):
    pixels, labels = load_digits(return_X_y=True)
    np.savez(tmp_path / "digits.npz", x=pixels, label=labels)
    frame = pl.DataFrame({f"pixel{i}": pixels[:, i] for i in range(64)}).with_columns(label=pl.Series(labels))
    frame.write_parquet(tmp_path / "digits.parquet")
    pl.DataFrame({"x": pixels.tolist(), "label": labels}).write_parquet(tmp_path / "lists.parquet")
    return tmp_path


def test_every_kind_of_file_gives_the_same_patterns(digits):
    made = [
        prepare(Params(file=str(digits / name), threshold="median", test=40), 3)
        for name in ("digits.npz", "digits.parquet", "lists.parquet")
    ]
    for other in made[1:]:
        for split in ("train", "test"):
            np.testing.assert_array_equal(made[0].split(split).x, other.split(split).x)
            np.testing.assert_array_equal(made[0].split(split).y, other.split(split).y)
    pixels = load_digits(return_X_y=True)[0]
    rows = made[0].split("train")
    own = np.array([int(name) for name in rows.ids])
    np.testing.assert_array_equal(rows.x, np.where(pixels[own] > np.median(pixels[own], axis=0), 1, -1))
    assert made[0].info.counts == {"train": 1397, "test": 400}
    assert made[0].info.origin == "real"


def test_digits_from_a_file_are_learned_and_recalled(digits):
    data = Data.of(prepare(Params(file=str(digits / "digits.npz"), threshold="median", test=40), 3))
    model = build_model("associative.factor", {"order": 4}, {"input_shape": [64]})
    model = supervised.train(model, data, supervised.Params(centre=True), Log())
    found = recall.evaluate(View(data, model), recall.Params(rows=400), 11)
    assert found.filter(pl.col("metric") == "accuracy")["value"][0] > 0.5


def test_rows_without_labels_are_their_own_class_and_all_are_stored(tmp_path):
    np.savez(tmp_path / "own.npz", x=np.eye(4) - 0.5)
    made = prepare(Params(file=str(tmp_path / "own.npz")), 0)
    assert made.split("train").y.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(made.split("train").x, made.split("test").x)
    np.testing.assert_array_equal(made.split("train").x, 2 * np.eye(4, dtype=int) - 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.ones(3)}, "has no array 'x'"),
        ({"x": np.zeros((0, 5))}, "holds no pattern"),
        ({"x": np.array([[1.0, np.nan]])}, "row 0 has a number that is not finite"),
        ({"x": np.ones((3, 2)), "label": np.array([0, 1])}, "label must hold one whole number per row"),
        ({"x": np.ones((3, 2)), "label": np.array([0.5, 1, 2])}, "label must hold one whole number per row"),
    ],
)
def test_files_without_patterns_are_told_in_one_line(tmp_path, arrays, message):
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(UserError, match=message) as told:
        prepare(Params(file=str(tmp_path / "wrong.npz")), 0)
    assert "\n" not in str(told.value)


def test_other_wrong_files_and_too_many_test_rows(tmp_path):
    with pytest.raises(UserError, match=r"absent\.npz: cannot be read as patterns"):
        prepare(Params(file=str(tmp_path / "absent.npz")), 0)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(UserError, match="cannot be read as patterns"):
        prepare(Params(file=str(tmp_path / "text.npz")), 0)
    pl.DataFrame({"name": ["a"]}).write_parquet(tmp_path / "names.parquet")
    with pytest.raises(UserError, match="neither a list column 'x' nor a numeric column"):
        prepare(Params(file=str(tmp_path / "names.parquet")), 0)
    np.savez(tmp_path / "few.npz", x=np.ones((4, 2)), label=np.array([0, 0, 0, 1]))
    with pytest.raises(UserError, match="a class has only 1"):
        prepare(Params(file=str(tmp_path / "few.npz"), test=1), 0)
