"""The iteration against its equations, and against Monte Carlo and the low-load solution."""

import numpy as np
import pytest

from neurosieve.kernels import glauber
from neurosieve.kernels.mean_field import iterate
from neurosieve.kernels.noisy_examples import rademacher
from neurosieve.models.associative.theory import low_load


def fixed(couplings, x, order, scale, beta, second):
    """Right side of the equations, in numpy."""
    n = len(x)
    rest = (couplings.T @ x)[None, :] - couplings * x[:, None]
    h = scale * (couplings * (rest / n) ** (order - 1)).sum(axis=1)
    if second:
        pairs = (scale * couplings @ couplings.T / n) ** 2
        np.fill_diagonal(pairs, 0)
        h = h - beta * x * (pairs @ (1 - x**2))
    return np.tanh(beta * h)


@pytest.mark.parametrize("sequential", [True, False])
@pytest.mark.parametrize(("order", "second"), [(2, False), (2, True), (4, False), (6, False)])
def test_where_it_stops_solves_the_equations(order, second, sequential):
    rng = np.random.default_rng(order)
    xi = rademacher(3, 200, rng)
    couplings, start = np.ascontiguousarray(xi.T, float), xi[0].astype(float)
    x, steps = iterate(couplings, start, order, 1.0, 4.0, 0.5, 1e-9, 2000, sequential, second)
    assert steps < 2000
    np.testing.assert_allclose(x, fixed(couplings, x, order, 1.0, 4.0, second), atol=1e-7)
    assert x @ start / 200 > 0.8


def test_one_undamped_parallel_iteration_is_the_right_side():
    rng = np.random.default_rng(5)
    couplings, start = rng.normal(size=(20, 6)), rng.uniform(-1, 1, 20)
    for order, second in ((2, True), (4, False), (6, False), (8, False)):
        x, _ = iterate(couplings, start, order, 0.8, 0.7, 0.0, 1e-9, 1, False, second)
        np.testing.assert_allclose(x, fixed(couplings, start, order, 0.8, 0.7, second), atol=1e-12)


def test_agrees_with_monte_carlo_and_with_the_low_load_solution_where_both_hold():
    rng = np.random.default_rng(1)
    xi = rademacher(2, 1500, rng)
    couplings, start = np.ascontiguousarray(xi.T, float), xi[0].astype(float)
    sites, draws = glauber.sites("permutation", (150, 1500), rng), rng.random((150, 1500))
    states, _ = glauber.run(couplings, start, 4, 1.0, 3.0, sites, draws)
    x, _ = iterate(couplings, start, 4, 1.0, 3.0, 0.5, 1e-9, 500, True, False)
    _, expected = low_load(4, 1.0, 1, 3.0)
    assert (states[20:] @ start).mean() / 1500 == pytest.approx(expected, abs=0.01)
    assert x @ start / 1500 == pytest.approx(expected, abs=0.01)
