"""The multiply robust estimator: all plug-in averages against numpy, the parametric fit against a generic GMM."""

import numpy as np
import pytest

from benchmarks.racing import TIMED, Racer
from neurosieve.datasets.tabular.iv_sim import draw
from neurosieve.kernels.influence_function import Outcome, influence
from neurosieve.kernels.plugin_grid import averages
from neurosieve.optim.multiply_robust import Features, fit, sandwich

pytestmark = TIMED


def nuisances(size, learners):
    rng = np.random.default_rng(11)
    z, a = (rng.integers(0, 2, size).astype(float) for _ in range(2))
    f, m = rng.uniform(0.1, 0.9, (learners, size)), rng.uniform(0.1, 0.9, (learners, 2, size))
    beta, eta = rng.normal(size=(learners, size)), rng.normal(size=(learners, size))
    difference, omega = rng.uniform(0.05, 0.2, (learners, size)), rng.normal(size=(learners, 2, size))
    return z, a, rng.normal(size=size), f, m, difference, beta, eta, omega


def one_by_one(z, a, y, f, m, difference, beta, eta, omega):
    """Mean and sum of squares of every triple, each with its own Phi."""
    side = range(len(f))
    mean, squares = (np.empty([len(f)] * 3) for _ in range(2))
    for k, i, j in ((k, i, j) for k in side for i in side for j in side):
        phi = influence(z, a, y, f[k], m[i], difference[i], Outcome(beta[j], eta[j], omega[j]))
        mean[k, i, j], squares[k, i, j] = phi.mean(), phi.var() * len(phi)
    return mean, squares


def close(theirs, ours):
    for one, other in zip(theirs, ours, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8)


@pytest.mark.parametrize(("size", "learners"), [(4000, 3), (9275, 6)])
def test_all_triples(race, size, learners):
    given = nuisances(size, learners)
    race(
        "plug-in averages of all triples",
        f"{size} persons, {learners}^3 triples",
        Racer(lambda: averages(*given)),
        {"numpy, triple by triple": Racer(lambda: one_by_one(*given))},
        close,
        rounds=5,
    )


def test_parametric(race):
    x, z, a, y = (column.astype(float) for column in draw("g1", 2000, np.random.default_rng(11)).values())
    ones = np.ones(2000)

    def both(of):
        return np.stack([of(0.0), of(1.0)])

    features = Features(
        np.column_stack([ones, x[:, :2]]),
        both(lambda level: np.column_stack([ones, level * ones, x[:, 0], x[:, 2]])),
        np.column_stack([ones, x[:, 0]]),
        both(lambda level: np.column_stack([ones, level * ones, x[:, :4]])),
        np.column_stack([ones, x[:, 2]]),
    )

    def ours():
        fitted = fit(z, a, y, features)
        return fitted.psi, sandwich(z, a, y, features, fitted)

    race(
        "estimate and standard error, parametric",
        "2000 persons, 18 equations",
        Racer(ours),
        {"statsmodels GMM": Racer(lambda: generic(z, a, y, features))},
        lambda theirs, own: np.testing.assert_allclose(theirs, own, rtol=2e-3),
        rounds=2,
    )


def generic(z, a, y, features):
    """The same stacked equations by statsmodels' generalised method of moments, derivatives by differences."""
    from statsmodels.sandbox.regression.gmm import GMM

    own = np.where((z == 1)[:, None], features.m[1], features.m[0])
    omega = np.where((z == 1)[:, None], features.omega[1], features.omega[0])
    edges = np.cumsum(
        [features.f.shape[1], own.shape[1], omega.shape[1], features.eta.shape[1], features.beta.shape[1]]
    )

    class Stacked(GMM):
        def momcond(self, params):
            of_f, of_m, w, h, b, psi = np.split(params, edges)
            f, m = (1 / (1 + np.exp(-one)) for one in (features.f @ of_f, features.m @ of_m))
            at_own, beta = np.where(z == 1, m[1], m[0]), features.beta @ b
            e = y - beta * a - omega @ w
            c = (a - at_own) * e - features.eta @ h
            d = m[1] * (1 - m[1]) - m[0] * (1 - m[0])
            phi = (2 * z - 1) / (np.where(z == 1, f, 1 - f) * d) * c + beta
            parts = [
                (z - f, features.f),
                (a - at_own, own),
                (e, omega),
                (c, features.eta),
                ((z - f) * c, features.beta),
            ]
            return np.column_stack([*(factor[:, None] * columns for factor, columns in parts), phi - psi])

    start = np.zeros(edges[-1] + 1)
    start[edges[0] : edges[1]] = [-1.0, 1.0, 0.0, 0.0]  # D must not be 0
    count = len(start)
    fitted = Stacked(y, np.ones((len(y), 1)), np.ones((len(y), count)), k_moms=count, k_params=count).fit(
        start, maxiter=2, optim_method="bfgs", wargs={"centered": False}, optim_args={"disp": 0, "gtol": 1e-9}
    )
    return fitted.params[-1], fitted.bse[-1]
