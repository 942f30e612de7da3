"""Declared steps, constants by hand."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.datasets.own.preprocess import Step, applied
from neurosieve.errors import UserError

X = np.arange(24, dtype=np.float64).reshape(4, 2, 3)
TRAIN = np.array([True, True, False, False])


def test_nothing_declared_is_nothing_done() -> None:
    assert applied(X, (), TRAIN, "here")[0] is X


def test_steps_in_their_order() -> None:
    x, done = applied(X, (Step(scale=2), Step(mean=(1.0, 2.0), std=4.0)), TRAIN, "here")
    assert np.allclose(x, (2 * X - np.array([1, 2])[None, :, None]) / 4)
    assert x.dtype == np.float32
    assert [step.model_dump(exclude_none=True) for step in done] == [{"scale": 2.0}, {"mean": (1.0, 2.0), "std": 4.0}]


def test_fitted_constants_are_those_of_training_rows() -> None:
    x, (step,) = applied(X, (Step(fit=True),), TRAIN, "here")
    mean, std = X[TRAIN].mean(axis=(0, 2)), X[TRAIN].std(axis=(0, 2))
    assert np.allclose(step.mean, mean)
    assert np.allclose(step.std, std)
    assert np.allclose(x, (X - mean[None, :, None]) / std[None, :, None], atol=1e-6)


def test_what_does_not_vary_is_only_centred() -> None:
    x, _ = applied(np.array([[1.0, 5.0], [3.0, 5.0]]), (Step(fit=True),), np.array([True, True]), "here")
    assert x.tolist() == [[-1, 0], [1, 0]]


def test_constants_that_do_not_fit_are_refused() -> None:
    with pytest.raises(
        UserError, match=r"here: preprocess: mean has 3 numbers, the inputs have \[2, 3\]: give one, or 2"
    ):
        applied(X, (Step(mean=(1.0, 2.0, 3.0)),), TRAIN, "here")


@pytest.mark.parametrize("given", [{}, {"scale": 1, "fit": True}, {"std": 0}, {"resize": [0, 3]}])
def test_a_step_is_one_thing(given: dict) -> None:
    with pytest.raises(ValidationError):
        Step.model_validate(given)
