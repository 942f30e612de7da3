import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.kernels.calibrate import FLOOR, entropy_limit, histogram, percentile_range

DRAW = np.random.default_rng(0)


def counted(values, bins=512):
    values = np.asarray(values, np.float32)
    limit = float(np.abs(values).max())
    return histogram(values, limit, bins), limit


def least_divergent(counts, levels):
    """The search in plain numpy, one level after the other."""
    half, total = len(counts) // 2, counts.sum()
    found = {}
    for kept in range(levels // 2, half + 1):
        inside = counts[half - kept : half + kept].astype(float)
        p = inside.copy()
        p[0] += counts[: half - kept].sum()
        p[-1] += counts[half + kept :].sum()
        q = np.zeros_like(p)
        merged = len(p) // levels
        borders = [*range(0, merged * levels, merged), len(p)]
        for a, b in itertools.pairwise(borders):
            occupied = p[a:b] > 0
            q[a:b][occupied] = inside[a:b].sum() / max(1, occupied.sum())
        p, q = p / total, q / max(1, inside.sum())
        on = p > 0
        found[kept] = (p[on] * np.log(p[on] / np.maximum(q[on], FLOOR))).sum()
    return min(found, key=found.get)


def test_a_histogram_counts_every_value_once():
    values = DRAW.normal(size=(7, 31)).astype(np.float32)
    counts, limit = counted(values, 64)
    assert counts.sum() == values.size
    np.testing.assert_array_equal(counts, np.histogram(values, 64, range=(-limit, limit))[0])


def test_slices_add_up():
    values = DRAW.normal(size=300).astype(np.float32)
    whole, limit = counted(values)
    np.testing.assert_array_equal(whole, sum(histogram(part, limit, 512) for part in np.split(values, 3)))


def test_all_zero():
    counts = histogram(np.zeros(9, np.float32), 0.0, 16)
    assert counts.sum() == 9
    assert percentile_range(counts, 0.0, 99.0) == (0.0, 0.0)
    assert entropy_limit(counts, 0.0, 8) == 0.0


@pytest.mark.parametrize("percentile", [100.0, 99.9, 99.0, 90.0, 60.0])
def test_a_percentile_leaves_out_no_more_than_it_may(percentile):
    values = DRAW.gamma(2.0, size=20_000) - 0.5
    counts, limit = counted(values)
    low, high = percentile_range(counts, limit, percentile)
    share = (100 - percentile) / 200
    assert np.mean(values < low - 1e-6) <= share
    assert np.mean(values > high + 1e-6) <= share
    width = 2 * limit / 512  # one bin narrower would leave out too much
    assert np.mean(values < low + width + 1e-6) > share
    assert np.mean(values > high - width - 1e-6) > share


@given(st.lists(st.integers(0, 50), min_size=64, max_size=64).filter(any))
def test_the_entropy_search_equals_the_plain_one(counts):
    counts = np.array(counts)
    assert entropy_limit(counts, 32.0, 16) == least_divergent(counts, 16)


def test_entropy_cuts_a_thin_tail_and_keeps_an_even_spread():
    even, limit = counted(DRAW.uniform(-1, 1, size=50_000))
    assert entropy_limit(even, limit, 128) > 0.9
    tailed, limit = counted(np.append(DRAW.normal(size=50_000), 60.0))
    assert entropy_limit(tailed, limit, 128) < 30.0


def test_repeated_values_change_nothing():
    counts, limit = counted(DRAW.normal(size=2000))
    assert entropy_limit(counts * 25, limit) == entropy_limit(counts, limit)
    assert percentile_range(counts * 25, limit, 99.0) == percentile_range(counts, limit, 99.0)
