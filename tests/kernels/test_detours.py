import itertools

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels.detours import (
    aggregation,
    course,
    delayed_gratification,
    descents,
    displacement,
    sortedness,
)


@pytest.fixture
def g():
    return golden("self-sorting-arrays", "metrics")


def test_golden_measures_of_arrays(g):
    arrays = g["snapshots"].astype(np.int64)
    np.testing.assert_array_equal(descents(arrays), g["error"])
    np.testing.assert_allclose(sortedness(arrays), g["sortedness"], atol=1e-12)
    np.testing.assert_array_equal(displacement(g["permutations"].astype(np.int64)), g["displacement"])
    np.testing.assert_allclose(aggregation(g["types"]), g["aggregation"], atol=1e-12)


def test_golden_detours(g):
    borders = np.concatenate([[0], np.cumsum(g["e_lengths"].astype(np.int64))])
    found = [delayed_gratification(g["e_sequences"][a:b]) for a, b in itertools.pairwise(borders)]
    np.testing.assert_allclose(found, g["delayed_gratification"], atol=1e-12)


def test_golden_course(g):
    np.testing.assert_array_equal(course(np.arange(37), np.arange(101) / 100), g["course_index"])


def test_detours_by_hand():
    assert delayed_gratification(np.array([5, 4, 6, 7, 3, 2, 4, 1])) == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert delayed_gratification(np.array([5, 4, 6, 7, 3, 2, 4, 1], np.uint8)) == pytest.approx(7 / 12)
    assert delayed_gratification(np.array([1, 2, 1, 3])) == 0  # (1 - 1) / 1; the last worsening pays nothing
    for none in ([], [3], [3, 3], [5, 4, 2], [1, 2]):
        assert delayed_gratification(np.array(none, np.int64)) == 0


def test_by_hand():
    assert aggregation(np.array([0, 0, 1, 1])) == 2 / 4
    assert descents(np.array([3, 1, 2, 0])) == 2
    assert sortedness(np.arange(5)) == 100
    assert displacement(np.array([2, 0, 1])) == 4
    assert displacement(np.array([1, 1, 0])) == 4
