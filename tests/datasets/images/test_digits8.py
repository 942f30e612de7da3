import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import load_digits

from neurosieve.datasets.images.digits8 import Params, prepare


def test_splits_are_balanced_disjoint_and_hold_the_source_s_rows():
    made = prepare(Params(scaling="unit", train=20, validation=5, test=10), 3)
    ids = [set(made.split(name).ids) for name in ("train", "validation", "test")]
    assert [len(one) for one in ids] == [200, 50, 100]
    assert len(set.union(*ids)) == 350
    pixels, labels = load_digits(return_X_y=True)
    rows = made.split("train")
    own = [int(name) for name in rows.ids]
    np.testing.assert_allclose(rows.x.reshape(-1, 64) * 16, pixels[own])
    np.testing.assert_array_equal(rows.y, labels[own])
    assert np.bincount(rows.y).tolist() == [20] * 10


def test_scalings_use_training_rows_alone():
    made = {name: prepare(Params(scaling=name), 3) for name in ("unit", "standardise", "spins")}
    train, test = (made["unit"].split(name).x for name in ("train", "test"))
    level = np.median(train, axis=0)
    np.testing.assert_array_equal(made["spins"].split("test").x, np.where(test > level, 1, -1))
    scaled = (test - train.mean(dtype=float)) / train.std(dtype=float)
    np.testing.assert_allclose(made["standardise"].split("test").x, scaled, atol=1e-5)


def test_more_rows_than_there_are():
    with pytest.raises(ValidationError, match="there are 174"):
        Params(train=150, test=40)
