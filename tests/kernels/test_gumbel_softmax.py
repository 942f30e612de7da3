"""Golden densities and gradients of the official code, the closed value at the centre, and the total mass."""

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels import gumbel_softmax as gs

CASE = golden("onehot-hmm-glm", "gumbel-softmax-density")


def test_golden_densities():
    for tau, expected in zip(CASE["tau"], CASE["log_density"], strict=True):
        found = gs.log_density(np.log(CASE["a"]), np.log(CASE["prior"])[:, None], tau)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_golden_gradients():
    log_a, log_pi = np.broadcast_arrays(np.log(CASE["a"]), np.log(CASE["prior"][1]))
    by_a, by_pi = gs.gradient(log_a, log_pi, 0.2)
    np.testing.assert_allclose(by_a, CASE["grad_logits_a"], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(by_pi.sum(axis=0), CASE["grad_logits_prior"], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("tau", [0.2, 0.5, 1.0])
def test_value_at_the_centre(tau):
    third = np.log(np.full(3, 1 / 3))
    assert gs.log_density(third, third, tau) == pytest.approx(np.log(2) + 2 * np.log(tau))


def test_the_density_integrates_to_one_over_the_simplex():
    edge = (np.arange(1500) + 0.5) / 1500
    # a change of variables that crowds points near corners, where the density has its poles
    u, v = np.meshgrid(edge, edge, indexing="ij")
    p, q = (3 * x**2 - 2 * x**3 for x in (u, v))
    a = np.stack([p, (1 - p) * q, (1 - p) * (1 - q)], axis=-1)
    jacobian = 36 * u * (1 - u) * v * (1 - v) * (1 - p)
    mass = np.exp(gs.log_density(np.log(a), np.log([0.5, 0.2, 0.3]), 0.5)) * jacobian
    assert mass.mean() == pytest.approx(1, rel=0.02)


def test_softmax_of_the_logs_of_gumbel_noise_has_the_density_s_mean():
    rng, pi = np.random.default_rng(0), np.array([0.5, 0.2, 0.3])
    winners = (np.log(pi) + rng.gumbel(size=(100_000, 3))).argmax(axis=-1)
    np.testing.assert_allclose(np.bincount(winners) / 100_000, pi, atol=0.01)
