"""Golden posteriors of the official code, plain enumeration of all paths, hmmlearn; length without underflow."""

import itertools

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels.forward_backward import forward, forward_backward

CASE = golden("onehot-hmm-glm", "forward-backward")


def inferred(emission, transition):
    states = len(transition)
    gamma, pairs, total = forward_backward(emission[None], np.log(transition), np.full(states, -np.log(states)))
    return gamma[0], pairs[0], total[0]


def enumerated(emission, transition):
    """Posterior [T, S], pairs [S, S] and log-likelihood by summing over every path."""
    bins, states = emission.shape
    gamma, pairs, mass = np.zeros((bins, states)), np.zeros((states, states)), 0.0
    for path in itertools.product(range(states), repeat=bins):
        p = np.exp(sum(emission[t, s] for t, s in enumerate(path))) / states
        p *= np.prod([transition[a, b] for a, b in itertools.pairwise(path)])
        mass += p
        for t, s in enumerate(path):
            gamma[t, s] += p
        for a, b in itertools.pairwise(path):
            pairs[a, b] += p
    return gamma / mass, pairs / mass, np.log(mass)


@pytest.mark.parametrize("prefix", ["", "small_"])
def test_golden(prefix):
    gamma, pairs, total = inferred(CASE[f"{prefix}emission"], CASE[f"{prefix}transition"])
    np.testing.assert_allclose(gamma, CASE[f"{prefix}gamma"], atol=1e-9)
    np.testing.assert_allclose(pairs, CASE[f"{prefix}xi"].sum(axis=0), atol=1e-9)
    assert total == pytest.approx(float(CASE[f"{prefix}loglik"]), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_every_path_enumerated(seed):
    rng = np.random.default_rng(seed)
    emission, transition = rng.normal(size=(6, 2)) * 3, rng.dirichlet(np.ones(2), 2)
    for found, expected in zip(inferred(emission, transition), enumerated(emission, transition), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-10)


def test_golden_poisson_sequences_and_hmmlearn():
    from scipy.stats import poisson

    counts, rates, transition = CASE["poisson_counts"], CASE["poisson_rates"], CASE["poisson_transition"]
    emission = poisson.logpmf(counts[:, None], rates).sum(axis=-1)
    ends = np.cumsum(CASE["poisson_lengths"])
    parts = [inferred(part, transition) for part in np.split(emission, ends[:-1])]
    np.testing.assert_allclose(np.concatenate([gamma for gamma, _, _ in parts]), CASE["poisson_gamma"], atol=1e-9)
    np.testing.assert_allclose([total for _, _, total in parts], CASE["poisson_loglik"], atol=1e-9)
    from hmmlearn.hmm import PoissonHMM

    peer = PoissonHMM(len(rates))
    peer.startprob_, peer.transmat_, peer.lambdas_ = np.full(3, 1 / 3), transition, rates
    assert peer.score(counts, CASE["poisson_lengths"]) == pytest.approx(CASE["poisson_loglik"].sum(), abs=1e-8)


def test_posteriors_agree_with_each_other_and_never_underflow():
    rng = np.random.default_rng(0)
    emission, transition = rng.normal(size=(2, 20_000, 3)) * 5 - 80, rng.dirichlet(np.ones(3) * 2, 3)
    gamma, pairs, total = forward_backward(emission, np.log(transition), np.full(3, -np.log(3)))
    assert np.isfinite(total).all()
    np.testing.assert_allclose(gamma.sum(axis=-1), 1, atol=1e-10)
    np.testing.assert_allclose(pairs.sum(axis=2), gamma[:, :-1].sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(pairs.sum(axis=1), gamma[:, 1:].sum(axis=1), rtol=1e-9)


def test_states_a_thousand_nats_apart_are_still_told_apart():
    emission = np.array([[0.0, -1000.0], [-2000.0, 0.0], [0.0, -3000.0], [-1500.0, 0.0], [-10.0, 0.0], [0.0, -5.0]])
    transition = np.array([[0.9, 0.1], [0.2, 0.8]])
    gamma, pairs, total = inferred(emission, transition)
    scaled = emission - emission.max(axis=1, keepdims=True)
    for found, expected in zip((gamma, pairs, total), enumerated(scaled, transition), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-10)
    # the far state comes back: it was the only way to end where the sequence ends
    absorbing = np.array([[1.0, 0.0], [0.5, 0.5]])
    with np.errstate(divide="ignore"):
        gamma, _, total = inferred(np.array([[0.0, -900.0], [0.0, -900.0], [-4000.0, 0.0]]), absorbing)
    np.testing.assert_allclose(gamma[:, 1], 1)
    assert total == pytest.approx(np.log(0.5 * 0.25) - 1800)


def test_relabelled_states_give_relabelled_posteriors():
    order, emission, transition = [2, 0, 1], CASE["emission"], CASE["transition"]
    gamma, pairs, total = inferred(emission, transition)
    moved = inferred(np.ascontiguousarray(emission[:, order]), transition[np.ix_(order, order)])
    np.testing.assert_allclose(moved[0], gamma[:, order], atol=1e-12)
    np.testing.assert_allclose(moved[1], pairs[np.ix_(order, order)], atol=1e-12)
    assert moved[2] == pytest.approx(total)


def test_a_transition_that_never_happens_and_one_state():
    emission, never = CASE["small_emission"], np.array([[0.5, 0.5], [0.0, 1.0]])
    with np.errstate(divide="ignore"):
        gamma, pairs, total = inferred(emission, never)
    for found, expected in zip((gamma, pairs, total), enumerated(emission, never), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-10)
    _, _, alone = inferred(emission[:, :1].copy(), np.ones((1, 1)))
    assert alone == pytest.approx(emission[:, 0].sum())


def test_the_filter_is_the_posterior_at_the_last_bin():
    alpha, gained = forward(CASE["emission"][None], np.log(CASE["transition"]), np.full(3, -np.log(3)))
    np.testing.assert_allclose(np.exp(alpha[0, -1]), CASE["gamma"][-1], atol=1e-9)
    assert gained[0].sum() == pytest.approx(float(CASE["loglik"]), abs=1e-9)
