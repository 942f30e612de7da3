"""Statistics of ranks against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from neurosieve.kernels.ranks import auc


@pytest.mark.parametrize("ties", [False, True])
def test_the_area_under_the_curve_is_that_of_scikit_learn(ties: bool) -> None:
    rng = np.random.default_rng(1)
    higher, lower = rng.normal(0.4, 1, 31), rng.normal(0, 1, 47)
    if ties:
        higher, lower = np.round(higher), np.round(lower)
    expected = roc_auc_score(np.repeat([1, 0], [31, 47]), np.concatenate([higher, lower]))
    assert auc(higher, lower) == pytest.approx(expected)
    assert auc(lower, higher) == pytest.approx(1 - expected)
    assert auc(higher, higher) == 0.5
