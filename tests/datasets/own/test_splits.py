"""Splits by a column or by lot: a row's lot depends on its id and the seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.datasets.own.splits import NAMES, Splits, drawn, lot, told
from neurosieve.errors import UserError

IDS = [f"{number:04d}" for number in range(2000)]


def test_shares_are_about_those_asked_for() -> None:
    found = drawn(IDS, Splits(test=0.3, validation=0.2), "here")
    shares = [float((found == at).mean()) for at in range(3)]
    assert np.allclose(shares, [0.5, 0.2, 0.3], atol=0.03)


def test_a_row_stays_where_it_is_whatever_else_there_is() -> None:
    splits = Splits()
    whole = dict(zip(IDS, drawn(IDS, splits, "here"), strict=True))
    some = IDS[::-3]
    assert [whole[one] for one in some] == drawn(some, splits, "here").tolist()


def test_another_seed_draws_other_rows() -> None:
    one, two = (drawn(IDS, Splits(seed=seed), "here") for seed in (0, 1))
    assert not np.array_equal(one, two)
    assert lot("0087", 0) == lot("0087", 0) != lot("87", 0)


def test_a_share_without_a_row_is_refused() -> None:
    with pytest.raises(UserError, match=r"here: no row of 3 was drawn for test \(1%\).*splits: {test: …}"):
        drawn(IDS[:3], Splits(test=0.01, validation=0), "here")


def test_shares_leave_training_rows() -> None:
    with pytest.raises(ValidationError, match="leave no training rows"):
        Splits(test=0.6, validation=0.4)


def test_a_column_is_told_with_usual_other_names() -> None:
    assert [NAMES[at] for at in told(["train", "val", "TEST", "dev"], "here")] == [
        "train",
        "validation",
        "test",
        "validation",
    ]
    assert Splits.model_validate("part").column == "part"


def test_other_words_and_no_training_rows_are_refused() -> None:
    with pytest.raises(UserError, match="is 'holdout' in row 2; it is one of train, validation, test"):
        told(["train", "holdout"], "here")
    with pytest.raises(UserError, match="no row is a training row"):
        told(["test"], "here")
