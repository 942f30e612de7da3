"""Errors of predicted numbers, by hand; what is no number to predict is refused, there and by what wants classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support import blobs, dataset_of, forgetting, model_of

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation import classification, membership_inference
from neurosieve.evaluation.regression import Params, errors, evaluate

X = np.arange(8, dtype=np.float32)[:, None]


def numbers() -> Dataset:
    """y = 2x in training; test rows are off by 1, and every second of them by -1."""
    off = np.where(np.arange(8) % 2, -1, 1)
    return dataset_of({"train": (X, 2 * X[:, 0]), "test": (X, (2 * X[:, 0] + off).astype(np.float32))})


def line(slope: float = 2.0, outputs: int = 1) -> torch.nn.Module:
    net = torch.nn.Linear(1, outputs, bias=False)
    torch.nn.init.constant_(net.weight, slope)
    return net


def measured(data: Data, *, slope: float = 2.0, parents: tuple = ()) -> dict[tuple[str, str], float]:
    rows = evaluate(View(data, model_of(line(slope), (1,), 1), parents=parents), Params())
    return {(row["metric"], row["split"]): row["value"] for row in rows.iter_rows(named=True)}


def test_errors_by_hand() -> None:
    rows = {m.metric: m.value for m in errors("test", np.array([1.0, 2.0, 6.0]), np.array([1.0, 3.0, 5.0]))}
    assert rows == pytest.approx({"rmse": (2 / 3) ** 0.5, "mae": 2 / 3, "r2": 1 - 2 / 8})
    assert "r2" not in {m.metric for m in errors("test", np.zeros(2), np.ones(2))}
    with pytest.raises(UserError, match="no test rows left to measure errors on split 'retain'"):
        errors("retain", np.zeros(0), np.zeros(0))


def test_splits_without_forgetting() -> None:
    found = measured(Data.of(numbers()))
    assert {split for _, split in found} == {"test"}
    assert found["rmse", "test"] == pytest.approx(1)


def test_forgotten_rows_of_training_alone() -> None:
    data = forgetting(numbers(), np.array([0, 1]))
    same = model_of(line(), (1,), 1)
    found = measured(data, parents=(same,))
    assert found["rmse", "forget"] == 0
    assert found["rmse", "retain"] == pytest.approx(1)
    assert (found["attack_auc", "forget"], found["leakage", "forget"]) == (1, 0.5)
    assert found["forget_unchanged", "forget"] == 1
    assert measured(data, slope=3, parents=(same,))["forget_unchanged", "forget"] == 0.5  # x = 0 stays 0


def test_forgotten_rows_of_the_test_split_too() -> None:
    found = measured(forgetting(numbers(), np.array([0]), test=np.array([0, 2, 4])))
    assert found["mae", "forget"] == pytest.approx(1)
    assert found["mae", "retain"] == pytest.approx(1)


def test_what_is_no_prediction_is_refused() -> None:
    with pytest.raises(UserError, match="dataset toy has no number to predict: evaluate it with `classification`"):
        evaluate(View(Data.of(blobs()), model_of(line(), (1,), 1)), Params())
    with pytest.raises(UserError, match=r"gives \[2\] numbers per row, one is wanted"):
        evaluate(View(Data.of(numbers()), model_of(line(outputs=2), (1,), 1)), Params())
    with pytest.raises(UserError, match="not finite: it diverged"):
        evaluate(View(Data.of(numbers()), model_of(line(np.inf), (1,), 1)), Params())
    train = Data.of(numbers())
    with pytest.raises(UserError, match="neither test nor validation rows"):
        evaluate(View(Data(train.info, {"train": train.train}), model_of(line(), (1,), 1)), Params())


@pytest.mark.parametrize("other", [classification, membership_inference])
def test_what_wants_classes_says_so(other) -> None:
    view = View(forgetting(numbers(), np.array([0])), model_of(line(), (1,), 1))
    with pytest.raises(UserError, match=r"dataset toy has a number to predict: .*regression"):
        other.evaluate(view, other.Params())
