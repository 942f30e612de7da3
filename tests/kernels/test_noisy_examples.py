import numpy as np
import pytest
from scipy.stats import ks_2samp

from neurosieve.kernels.noisy_examples import examples, rademacher, sums


def test_archetypes_are_fair_spins():
    xi = rademacher(200, 500, np.random.default_rng(0))
    assert xi.dtype == np.int8
    assert set(np.unique(xi)) == {-1, 1}
    assert abs(xi.mean(dtype=float)) < 4 / np.sqrt(xi.size)


def test_sums_have_the_distribution_of_sums_over_examples():
    rng = np.random.default_rng(1)
    xi = rademacher(40, 200, rng)
    one = examples(xi, 0.4, 15, rng).sum(axis=1, dtype=int) * xi
    other = sums(xi, 0.4, 15, rng) * xi
    assert one.mean() == pytest.approx(0.4 * 15, abs=0.2)
    assert ks_2samp(one.ravel(), other.ravel()).pvalue > 0.01


def test_exact_single_examples_are_the_archetypes_either_way():
    xi = rademacher(5, 30, np.random.default_rng(2))
    np.testing.assert_array_equal(examples(xi, 1.0, 1, np.random.default_rng(3))[:, 0], xi)
    np.testing.assert_array_equal(sums(xi, 1.0, 1, np.random.default_rng(3)), xi)


def test_many_examples_do_not_overflow():
    xi = rademacher(3, 4, np.random.default_rng(4))
    np.testing.assert_array_equal(sums(xi, 1.0, 500, np.random.default_rng(5)), 500 * xi.astype(int))
