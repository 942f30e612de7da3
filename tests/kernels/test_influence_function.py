"""Phi and its pieces against golden vectors, the population's answers and the bias formula."""

import itertools

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels.influence_function import Outcome, influence, outcome_side, variance_difference, weak

ROLES = ("f", "m", "beta", "omega", "eta")
SUFFICIENT = ({"f", "m"}, {"f", "beta", "omega"}, {"beta", "omega", "eta"}, {"beta", "eta", "m"})


def given():
    one = golden("selective-iv", "influence-function")
    m, omega = np.stack([one["m0"], one["m1"]]), np.stack([one["omega0"], one["omega1"]])
    return one, m, Outcome(one["beta"], one["eta"], omega)


def test_phi_is_the_golden_one_and_answers_to_each_nuisance_as_it_does():
    one, m, outcome = given()
    data = one["Z"], one["A"], one["Y"]
    phi = influence(*data, one["f"], m, one["D"], outcome)
    np.testing.assert_allclose(phi, one["phi"], atol=1e-12)
    np.testing.assert_allclose(variance_difference(m), one["D"], atol=1e-12)
    np.testing.assert_allclose([phi.std(ddof=k) / np.sqrt(40) for k in (0, 1)], one["se"], atol=1e-12)
    np.testing.assert_allclose(phi - phi.mean(), one["eif"], atol=1e-12)
    other = np.stack([np.full(40, 0.2), np.full(40, 0.45)])
    changed = [
        influence(*data, np.full(40, 0.5), m, one["D"], outcome),
        influence(*data, one["f"], other, variance_difference(other), outcome),
        influence(*data, one["f"], m, 1.3 * one["D"], outcome),
        influence(*data, one["f"], m, one["D"], outcome._replace(beta=0 * one["beta"])),
        influence(*data, one["f"], m, one["D"], outcome._replace(omega=0 * outcome.omega)),
        influence(*data, one["f"], m, one["D"], outcome._replace(eta=0 * one["eta"])),
    ]
    np.testing.assert_allclose([one.mean() for one in changed], one["perturbed"], atol=1e-12)


def test_the_outcome_side_of_all_splits_and_learners_is_the_golden_one():
    one = golden("selective-iv", "cross-fitted-plugins")
    found = outcome_side(np.stack([one["m0"], one["m1"]], axis=2), one["g"])
    np.testing.assert_allclose(found.beta, one["beta"], atol=1e-10)
    np.testing.assert_allclose(found.eta, one["eta"], atol=1e-10)
    np.testing.assert_allclose(found.omega, np.stack([one["omega0"], one["omega1"]], axis=2), atol=1e-10)


def test_d_keeps_its_distance_from_0_on_the_side_of_its_mean():
    m = np.array([[0.1, 0.1, 0.1, 0.5], [0.5, 0.4, 0.101, 0.1]])
    np.testing.assert_allclose(variance_difference(m), [0.16, 0.15, 0.000799, -0.16], atol=1e-9)
    np.testing.assert_allclose(variance_difference(m, 0.03), [0.16, 0.15, 0.03, 0.03])
    np.testing.assert_allclose(variance_difference(m[::-1], 0.03), [-0.16, -0.15, -0.03, -0.03])
    assert weak(m, 0.03) == 0.5
    assert weak(m[:, :2], 0.03) == 0


def test_a_steep_beta_is_held_and_eta_follows_it():
    m, g = np.array([[0.1], [0.5]]), np.array([[[0.0], [0.0]], [[0.0], [100.0]]])
    free, held = outcome_side(m, g), outcome_side(m, g, 0.03, 2.0)
    assert free.beta[0] == pytest.approx(25 / 0.16)
    assert held.beta[0] == 2
    assert held.eta[0] == pytest.approx(25 - 2 * 0.25)
    np.testing.assert_allclose(held.omega[:, 0], [0 - 2 * 0.1, 50 - 2 * 0.5])


# -- the population: design g1 has all its nuisances in closed form ---------------------------------------------------


def expit(value):
    return 1 / (1 + np.exp(-value))


def population(n, seed=3):
    """Data and true nuisances of design g1."""
    from neurosieve.datasets.tabular.iv_sim import draw

    x, z, a, y = draw("g1", n, np.random.default_rng(seed)).values()
    m = np.stack([expit(-2 + 2 * level + 0.25 * x[:, 0] + 0.15 * x[:, 2]) for level in (0, 1)])
    base = 1.5 * x[:, 0] - 1.5 * x[:, 1] + 0.5 * x[:, 3]
    truth = {
        "f": expit(0.3 + x[:, 0] - 0.8 * x[:, 1]),
        "m": m,
        "beta": 1 + 0.5 * x[:, 0],
        "omega": np.stack([base, base + 1]),
        "eta": np.full(n, 0.18),
    }
    return (z.astype(float), a.astype(float), y), x, truth


def phi_of(data, nuisances):
    outcome = Outcome(nuisances["beta"], nuisances["eta"], nuisances["omega"])
    return influence(*data, nuisances["f"], nuisances["m"], variance_difference(nuisances["m"]), outcome)


@pytest.mark.parametrize(
    ("changed", "low", "high"),
    [
        ({}, 0.95, 1.05),
        ({"f": 0.5}, 0.95, 1.05),
        ({"f": 0.5, "eta": 0.0}, 1.3, 1.5),
        ({"omega": 0.0}, 0.95, 1.05),
        ({"beta": 0.0}, 0.95, 1.05),
    ],
)
def test_the_population_answers_1_unless_too_much_is_wrong(changed, low, high):
    data, _, truth = population(400_000)
    wrong = {name: np.full_like(truth[name], value) for name, value in changed.items()}
    assert low < phi_of(data, {**truth, **wrong}).mean() < high


def bias(truth, used):
    """The conditional bias of every row by the formula: beta' - beta + 1/D' sum_z (2z-1) f/f' {...}."""
    total = used["beta"] - truth["beta"]
    d = variance_difference(used["m"])
    for z in (0, 1):
        share = [nuisances["f"] if z else 1 - nuisances["f"] for nuisances in (truth, used)]
        variance = truth["m"][z] * (1 - truth["m"][z])
        # omega of the wrong beta: E[Y - beta' A | z, x]
        omega = truth["omega"][z] + (truth["beta"] - used["beta"]) * truth["m"][z]
        inner = truth["eta"] - used["eta"] + (truth["beta"] - used["beta"]) * variance
        inner += (truth["m"][z] - used["m"][z]) * (omega - used["omega"][z])
        total = total + (2 * z - 1) * share[0] / share[1] / d * inner
    return total


@pytest.mark.parametrize("wrong", [set(c) for k in range(6) for c in itertools.combinations(ROLES, k)])
def test_all_combinations_of_right_and_wrong_nuisances_are_biased_as_the_formula_says(wrong):
    data, x, truth = population(200_000, seed=5)
    stray = x[:, 4]
    others = {
        "f": np.full_like(stray, 0.5),
        "m": np.stack([0.15 + 0.05 * stray, 0.5 + 0.1 * stray]),
        "beta": truth["beta"] + 0.6,
        "omega": truth["omega"] + np.stack([0.8 * x[:, 0], 0.5 - 0.6 * x[:, 1]]),
        "eta": truth["eta"] - 0.15 - 0.3 * x[:, 0],
    }
    used = {name: others[name] if name in wrong else truth[name] for name in ROLES}
    phi, expected = phi_of(data, used), bias(truth, used)
    assert abs((phi - truth["beta"]).mean() - expected.mean()) < 4.5 * phi.std() / np.sqrt(len(phi))
    if any(need <= set(ROLES) - wrong for need in SUFFICIENT):
        assert abs(expected).max() < 1e-9
    if wrong == set(ROLES):
        assert abs(expected.mean()) > 0.1


@pytest.mark.parametrize("role", ROLES)
def test_the_score_is_orthogonal_to_every_nuisance(role):
    data, x, truth = population(200_000, seed=7)
    direction = {"f": 0.1 * x[:, 0], "m": np.stack([0.05 * x[:, 1], 0.1 * x[:, 1]])}.get(
        role, x[:, 2] + 0 * truth[role]
    )
    steps = [phi_of(data, {**truth, role: truth[role] + t * direction}) for t in (1e-3, -1e-3)]
    slope = (steps[0] - steps[1]) / 2e-3
    assert abs(slope.mean()) < 4.5 * slope.std() / np.sqrt(len(slope))
