"""The statistics against closed forms and scipy, and by simulation against the table of chances they promise."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.evaluation.claims import statistics

TRIALS = 40_000


def test_t_interval_and_p_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0])
    low, high = statistics.t_interval(values)
    assert (float(low), float(high)) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5))
    assert float(statistics.t_p(values)) == pytest.approx(0.037090, abs=1e-6)


def test_few_and_equal_values() -> None:
    assert np.isnan(statistics.t_interval(np.array([1.0, 2.0]))).all()
    assert statistics.t_interval(np.array([2.0, 2.0])) == (2, 2)
    assert statistics.t_interval(np.array([0.1, 0.1, 0.1])) == pytest.approx((0.1, 0.1))
    assert [float(statistics.t_p(np.full(3, value))) for value in (0.1, 0.0, -0.1)] == [0, 1, 1]
    assert np.isnan(statistics.t_p(np.array([1.0])))


@settings(deadline=None)
@given(st.lists(st.integers(-6, 6).filter(bool), min_size=1, max_size=9))
def test_wilcoxon_is_the_share_of_sign_patterns(values: list[int]) -> None:
    from scipy.stats import rankdata

    ranks = rankdata(np.abs(values))
    signs = np.array(np.meshgrid(*[[0, 1]] * len(values))).reshape(len(values), -1).T
    expected = np.mean(signs @ ranks >= ranks[np.array(values) > 0].sum() - 1e-9)
    assert statistics.wilcoxon_p(np.array(values, dtype=float)) == pytest.approx(expected)


def test_wilcoxon_against_scipy() -> None:
    from scipy.stats import wilcoxon

    rng = np.random.default_rng(0)
    for n in (5, 12, 60, 400):
        values = rng.normal(0.2, 1, n)
        expected = wilcoxon(values, alternative="greater", method="exact" if n < 100 else "asymptotic").pvalue
        assert statistics.wilcoxon_p(values) == pytest.approx(expected, rel=0.02)
    assert statistics.wilcoxon_p(np.zeros(4)) == 1


def test_welch_against_scipy() -> None:
    from scipy.stats import ttest_ind

    a, b = np.array([3.0, 4.0, 6.0, 5.0]), np.array([1.0, 2.5, 2.0])
    result = ttest_ind(a, b, equal_var=False, alternative="greater")
    assert statistics.welch_p(a, b) == pytest.approx(result.pvalue)
    two_sided = ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert statistics.welch_interval(a, b) == pytest.approx((two_sided.low, two_sided.high))
    assert statistics.welch_p(np.ones(2), np.zeros(2)) == 0
    assert np.isnan(statistics.welch_p(np.ones(1), b))


def test_sign_probabilities_of_the_contract() -> None:
    chances = [statistics.binomial_above(k, n) for k, n in ((3, 3), (4, 5), (5, 5), (8, 10))]
    assert chances == pytest.approx([0.125, 0.1875, 0.03125, 0.0546875])
    assert statistics.sign_p(np.array([1.0, 2.0, 0.0, 3.0])) == 0.125
    assert (statistics.binomial_above(0, 3), statistics.binomial_above(4, 3)) == (1, 0)


def test_wilson_against_a_known_case() -> None:
    # Newcombe (1998), table I: 81 of 263.
    assert statistics.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert statistics.wilson(0, 10)[0] == 0
    assert statistics.wilson(10, 10)[1] == pytest.approx(1)


def test_rank_correlation_by_luck_of_the_contract() -> None:
    # rho > 0 on 4 points 46 %, at most -.9 on 5 points 4 %, at least .7 on 9 points 2 %.
    assert statistics.spearman_chance(4, 0, above=True, strict=True) == pytest.approx(11 / 24)
    assert statistics.spearman_chance(5, -0.9, above=False, strict=False) == pytest.approx(5 / 120)
    assert statistics.spearman_chance(9, 0.7, above=True, strict=False) == pytest.approx(0.02, abs=0.005)
    assert statistics.spearman_chance(12, 0.7, above=True, strict=False) == pytest.approx(0.0056, abs=0.001)
    assert np.isnan(statistics.spearman_chance(2, 0, above=True, strict=True))


def test_rank_correlation_by_enumeration() -> None:
    ranks = np.arange(6)
    every = np.array(list(permutations(range(6))))
    rho = 1 - 6 * ((every - ranks) ** 2).sum(axis=1) / (6 * 35)
    for threshold in (-0.5, 0.2, 0.6):
        expected = np.mean(rho >= threshold - 1e-12)
        assert statistics.spearman_chance(6, threshold, above=True, strict=False) == pytest.approx(expected)


def test_benjamini_hochberg() -> None:
    assert statistics.benjamini_hochberg([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert statistics.benjamini_hochberg([0.9, 0.95]) == pytest.approx([0.95, 0.95])


def test_combining_chances() -> None:
    assert statistics.partial_conjunction([0.01, 0.2, 0.04], 3) == 0.2
    assert statistics.partial_conjunction([0.01, 0.2, 0.04], 1) == pytest.approx(0.03)
    assert statistics.count_above([0.5, 0.5, 0.5], 2) == 0.5
    assert statistics.count_above([0.2, 0.3], 1) == pytest.approx(1 - 0.8 * 0.7)


def simulated(n: int, effect: float = 0.0) -> np.ndarray:
    """Slacks of TRIALS studies, normal with sd 1, shape (TRIALS, n)."""
    return np.random.default_rng(20 + n).normal(effect, 1, (TRIALS, n))


RULES = {
    "mean beyond": lambda slack: slack.mean(axis=-1) > 0,
    "two thirds": lambda slack: (slack > 0).sum(axis=-1) >= {3: 2, 5: 4, 10: 7}[slack.shape[-1]],
    "every seed": lambda slack: (slack > 0).all(axis=-1),
    "2 se": lambda slack: slack.mean(axis=-1) > 2 * statistics.mean_and_error(slack)[1],
    "t .10": lambda slack: statistics.t_p(slack) < 0.10,
    "t .05": lambda slack: statistics.t_p(slack) < 0.05,
    "interval": lambda slack: statistics.t_interval(slack)[0] > 0,
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("mean beyond", (50, 50, 50)),
        ("two thirds", (50, 19, 17)),
        ("every seed", (12.5, 3.1, 0.1)),
        ("2 se", (9.1, 5.8, 3.7)),
        ("t .10", (10, 10, 10)),
        ("t .05", (5, 5, 5)),
        ("interval", (2.5, 2.5, 2.5)),
    ],
)
def test_an_effect_on_the_threshold_holds_as_often_as_stated(rule: str, expected: tuple[float, ...]) -> None:
    for n, percent in zip((3, 5, 10), expected, strict=True):
        found = 100 * RULES[rule](simulated(n)).mean()
        # Four standard errors of the simulation, and the rounding of the stated figure.
        assert found == pytest.approx(percent, abs=400 * np.sqrt(percent / 100 / TRIALS) + 0.3)


@pytest.mark.parametrize(
    ("rule", "power"),
    [
        ("mean beyond", (96, 99, 100)),
        ("every seed", (60, 42, 18)),
        ("t .10", (53, 76, 96)),
        ("interval", (18, 40, 81)),
    ],
)
def test_power_at_one_sd(rule: str, power: tuple[float, ...]) -> None:
    for n, percent in zip((3, 5, 10), power, strict=True):
        assert 100 * RULES[rule](simulated(n, effect=1.0)).mean() == pytest.approx(percent, abs=1.2)


@pytest.mark.parametrize(("n", "percent"), [(5, 9.4), (10, 9.7)])
def test_wilcoxon_on_the_threshold(n: int, percent: float) -> None:
    found = np.mean([statistics.wilcoxon_p(slack) < 0.10 for slack in simulated(n)[:8000]])
    assert 100 * found == pytest.approx(percent, abs=1.4)
