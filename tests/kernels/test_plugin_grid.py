"""All plug-in averages against plain numpy and golden vectors; the rule that chooses a triple."""

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels.influence_function import Outcome, influence, outcome_side, variance_difference
from neurosieve.kernels.plugin_grid import averages, over_splits, risk, safest


def plain(z, a, y, f, m, difference, beta, eta, omega):
    """Every triple's Phi in full [K, L, J, n]."""
    return np.array(
        [
            [
                [
                    influence(z, a, y, f[k], m[i], difference[i], Outcome(beta[j], eta[j], omega[j]))
                    for j in range(len(beta))
                ]
                for i in range(len(m))
            ]
            for k in range(len(f))
        ]
    )


@pytest.mark.parametrize(("counts", "n"), [((2, 3, 4), 57), ((1, 1, 1), 2)])
def test_averages_are_those_of_plain_numpy(counts, n):
    rng = np.random.default_rng(1)
    learners, middle, last = counts
    z, a = (rng.integers(0, 2, n).astype(float) for _ in range(2))
    y, f = 1e6 + rng.normal(size=n), rng.uniform(0.1, 0.9, (learners, n))
    m, beta, eta = rng.uniform(0.1, 0.9, (middle, 2, n)), rng.normal(size=(last, n)), rng.normal(size=(last, n))
    omega, difference = 1e6 + rng.normal(size=(last, 2, n)), rng.uniform(0.05, 0.2, (middle, n))
    given = z, a, y, f, m, difference, beta, eta, omega
    mean, squares = averages(*given)
    phi = plain(*given)
    np.testing.assert_allclose(mean, phi.mean(axis=-1), rtol=1e-9)
    np.testing.assert_allclose(squares, phi.var(axis=-1) * n, rtol=1e-8)


def golden_grid():
    one = golden("selective-iv", "cross-fitted-plugins")
    m = np.stack([one["m0"], one["m1"]], axis=2)
    outcome, d = outcome_side(m, one["g"]), variance_difference(m)
    pieces = zip(one["f"], m, d, *outcome, strict=True)
    found = [averages(one["Z"], one["A"], one["Y"], *piece) for piece in pieces]
    psi, squares = (np.array(part) for part in zip(*found, strict=True))
    return one, psi, np.sqrt(squares) / 60


def test_every_triple_its_risk_and_the_choice_are_the_golden_ones():
    one, psi, se = golden_grid()
    np.testing.assert_allclose(psi, one["psi"], atol=1e-10)
    np.testing.assert_allclose(se, one["se"], atol=1e-10)
    np.testing.assert_allclose(risk(psi), one["risk"], atol=1e-10)
    chosen = safest(psi)
    assert chosen == tuple(one["chosen"])
    estimate, error = over_splits(psi[:, *chosen], se[:, *chosen])
    assert (estimate, error) == pytest.approx((float(one["estimate"]), float(one["estimate_se"])), abs=1e-10)


def test_the_rule_is_the_golden_one_and_squares_before_it_averages():
    one = golden("selective-iv", "selection-rule")
    psi = one["psi"]
    np.testing.assert_allclose(risk(psi), one["risk"], atol=1e-12)
    assert abs(risk(psi) - one["risk_average_first"]).max() > 1e-3
    chosen = safest(psi)
    assert chosen == tuple(one["chosen"])
    estimate, error = over_splits(psi[:, *chosen], one["se"][:, *chosen])
    assert (estimate, error) == pytest.approx((float(one["estimate"]), float(one["estimate_se"])), abs=1e-12)
    np.testing.assert_allclose(risk(one["two_role"][None]), one["two_role_risk"], atol=1e-12)


def test_two_roles_by_hand():
    psi = np.array([[[0.0, 0.0], [0.0, 10.0]]])
    np.testing.assert_allclose(risk(psi), [[0, 100], [100, 200]])
    assert safest(psi) == (0, 0)


def test_neither_order_nor_copies_of_learners_change_what_comes_out():
    psi = golden("selective-iv", "selection-rule")["psi"]
    best = psi[:, *safest(psi)]
    turned, doubled = psi[:, ::-1, [2, 0, 1], :], psi[:, [0, 1, 2, 1]]
    for other in (turned, doubled):
        np.testing.assert_array_equal(other[:, *safest(other)], best)


def test_one_split_gives_its_own_standard_error():
    estimate, error = over_splits(np.array([2.0]), np.array([0.3]))
    assert (estimate, error) == (2.0, 0.3)
