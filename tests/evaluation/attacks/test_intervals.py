"""Intervals of attacks, and their calibration on simulated nulls."""

from statistics import NormalDist

import numpy as np
import pytest

from neurosieve.errors import UserError
from neurosieve.evaluation.attacks.intervals import against, of_pairs, of_rows, of_wins, operating_points


@pytest.mark.parametrize("rows", [10, 54, 128])
@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_interval_covers(rows, shift):
    draw, truth = np.random.default_rng(rows), NormalDist().cdf(shift / 2**0.5)
    intervals = [of_rows((draw.normal(shift, 1, rows), draw.normal(0, 1, rows))).interval() for _ in range(400)]
    assert 0.92 < np.mean([low <= truth <= high for low, high in intervals]) < 0.99


def test_errors_agree_with_the_interval():
    estimate = of_rows((np.random.default_rng(1).normal(0.2, 1, 300), np.random.default_rng(2).normal(0, 1, 400)))
    low, high = 0.35, 0.65
    inside, outside = estimate.inside(low, high), estimate.outside(0.2, 0.5)
    for level, within in ((1 - 1.01 * inside, True), (1 - 0.99 * inside, False)):
        ends = estimate.interval(level)
        assert (low < ends[0] and ends[1] < high) == within
    assert estimate.interval(1 - 1.01 * outside)[0] > 0.5 > estimate.interval(1 - 0.99 * outside)[0]
    assert estimate.inside(0.7, 0.8) == 1
    assert estimate.outside(0.2, 0.8) == 1


@pytest.mark.parametrize("models", [5, 16])
def test_nulls_give_the_stated_error(models):
    """A model drawn like the retrained ones: at margin 0 an error of q is found in a share q of draws, or less."""
    draw, found = np.random.default_rng(models), []
    for _ in range(400):
        rows = draw.normal(0.5, 1, 60), draw.normal(0, 1, 40)  # the kinds of rows are not alike: the null is not 0.5
        lifts = draw.normal(0, 0.3, models + 1)  # and models differ
        pairs = [tuple(side + draw.normal(0, 0.2, len(side)) for side in (rows[0] + by, rows[1])) for by in lifts]
        estimate, null = against(pairs[0], pairs[1:])
        found.append(estimate.outside(null.middle, null.middle))
        assert null.low < null.middle < null.high
    for error in (0.05, 0.2):
        assert error / 3 < np.mean(np.array(found) <= error) < 1.35 * error


def test_trace_at_the_margin_is_seldom_passed():
    draw, margin = np.random.default_rng(3), 0.1
    shift = NormalDist().inv_cdf(0.5 + margin) * 2**0.5
    estimates = [of_rows((draw.normal(shift, 1, 400), draw.normal(0, 1, 400))) for _ in range(300)]
    assert np.mean([one.inside(0.5 - margin, 0.5 + margin) <= 0.05 for one in estimates]) < 0.05
    assert np.mean([one.outside(0.5 - margin, 0.5 + margin) <= 0.05 for one in estimates]) < 0.05


def test_against_sees_a_trace_that_chance_hides():
    """Rows of an unusual person: retrained models give 0.3, this one 0.5, which is no chance but a trace."""
    draw = np.random.default_rng(0)
    rows = draw.normal(-0.75, 1, 200), draw.normal(0, 1, 200)
    retrained = [tuple(side + draw.normal(0, 0.1, 200) for side in rows) for _ in range(8)]
    learned = rows[0] + 0.75, rows[1]
    estimate, null = against(learned, retrained)
    assert null.high < 0.4
    assert estimate.outside(null.middle - 0.1, null.middle + 0.1) < 0.01
    assert of_rows(learned).outside(0.4, 0.6) == 1
    with pytest.raises(UserError, match="2 of them"):
        against(learned, retrained[:1])


def test_full_separation_keeps_a_width():
    estimate = of_rows((np.arange(5.0) + 10, np.arange(5.0)))
    assert estimate.value == 1
    assert estimate.interval()[0] < 0.99
    pair = np.arange(20.0) + 100, np.arange(20.0)
    same, null = against(pair, [pair, pair, pair])
    assert same.interval()[0] < null.middle == 1


@pytest.mark.parametrize("models", [8, 32])
def test_pairs_of_models_cover_chance(models):
    draw = np.random.default_rng(models)
    wins = draw.integers(0, 2, (2000, models)).astype(float)
    covered = [low <= 0.5 <= high for low, high in (of_pairs(row).interval() for row in wins)]
    assert np.mean(covered) > 0.92
    apart = of_wins(np.ones((models, models)))  # 8 + 8 models that separate fully: once in 12,870 by chance
    assert apart.outside(0.5, 0.5) < 0.001
    assert apart.outside(0.25, 0.75) < 0.05
    matrix = draw.normal(size=(5, models, 1)) > draw.normal(size=(5, 1, models))
    assert all(of_wins(one.astype(float)).value == one.mean() for one in matrix)


def test_small_rates_are_not_resolvable():
    draw = np.random.default_rng(0)
    best, points = operating_points((draw.normal(3, 1, 54), draw.normal(0, 1, 54)), (0.001, 0.01, 0.1))
    assert list(points) == [0.1]
    assert points[0.1] > 0.8
    assert best > 0.85


@pytest.mark.parametrize("score", [-3.0, 0.0, 3.0])
def test_one_row_resolves_nothing(score):
    """A request of a single row is the usual one: whatever its score, the interval leaves no margin."""
    draw = np.random.default_rng(0)
    others = draw.normal(size=90)
    alone = of_rows((np.array([score]), others))
    nulls = [(np.array([value]), others) for value in draw.normal(size=5)]
    for estimate in (alone, against((np.array([score]), others), nulls)[0]):
        low, high = estimate.interval()
        assert high - low > 0.4
        assert estimate.inside(0.4, 0.6) > 0.05


def test_refusals():
    with pytest.raises(UserError, match="rows of both groups, there are 0 and 5"):
        of_rows((np.zeros(0), np.zeros(5)))
    with pytest.raises(UserError, match="not finite"):
        of_rows((np.array([0, np.nan]), np.zeros(5)))
