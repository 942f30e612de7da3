import numpy as np
import pytest
from tests.support import blobs

from neurosieve.datasets.selection.sample import Params, prepare
from neurosieve.errors import UserError


def test_draws_training_rows_without_replacement():
    chosen = prepare(Params(sample=10), blobs(60), 3)
    assert set(chosen.rows) == {"train"}
    rows = chosen.rows["train"]
    assert len(np.unique(rows)) == 10
    assert (np.diff(rows) > 0).all()


def test_the_seed_decides():
    one, two, three = (prepare(Params(sample=10), blobs(60), seed).rows["train"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != three).any()


def test_too_many():
    with pytest.raises(UserError, match="60 rows wanted, toy has 60 training rows; choose fewer"):
        prepare(Params(sample=60), blobs(60), 0)
