"""Switching Poisson GLMs: forward-backward and Viterbi against torch loops and hmmlearn, M-step against autograd."""

import numpy as np
import pytest
import torch

from benchmarks.racing import TIMED, Racer
from neurosieve.kernels import poisson_glm as glm
from neurosieve.kernels.forward_backward import forward_backward
from neurosieve.kernels.viterbi import viterbi

pytestmark = TIMED
RNG = np.random.default_rng(0)
SHAPES = {"3 states, 10 x 500 bins": (10, 500, 3), "5 states, 30 x 2000 bins": (30, 2000, 5)}


def looped(emission, log_transition, log_initial):
    """Posteriors [B, T, S] by a loop over time, all sequences at once."""
    bins = emission.shape[1]
    alpha, beta = [log_initial + emission[:, 0]], [torch.zeros_like(emission[:, 0])]
    for t in range(1, bins):
        alpha.append(torch.logsumexp(alpha[-1][:, :, None] + log_transition, dim=1) + emission[:, t])
    for t in range(bins - 1, 0, -1):
        beta.append(torch.logsumexp(log_transition + (emission[:, t] + beta[-1])[:, None], dim=2))
    return torch.softmax(torch.stack(alpha, dim=1) + torch.stack(beta[::-1], dim=1), dim=2).numpy()


def by_hmmlearn(emission, transition, initial):
    """Posteriors [B, T, S] by hmmlearn's compiled passes in log space, one sequence after the other."""
    from hmmlearn import _hmmc

    found = []
    for one in emission:
        _, alpha = _hmmc.forward_log(initial, transition, one)
        both = alpha + _hmmc.backward_log(initial, transition, one)
        found.append(np.exp(both - np.logaddexp.reduce(both, axis=1, keepdims=True)))
    return np.stack(found)


def path_looped(emission, log_transition, log_initial):
    """Most probable paths [B, T] by a loop over time, all sequences at once."""
    score, came = log_initial + emission[:, 0], []
    for t in range(1, emission.shape[1]):
        best, before = (score[:, :, None] + log_transition).max(dim=1)
        score = best + emission[:, t]
        came.append(before)
    path = [score.argmax(dim=1)]
    for before in came[::-1]:
        path.append(before.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], dim=1).numpy()


def path_by_hmmlearn(emission, transition, initial):
    """The same by hmmlearn's compiled pass, one sequence after the other."""
    from hmmlearn import _hmmc

    return np.stack([_hmmc.viterbi(initial, transition, one)[1] for one in emission])


def chain(size):
    """Emissions [B, T, S], transitions and first state of a chain; the latter two as logarithms; all as tensors."""
    emission = RNG.normal(size=SHAPES[size]) * 3
    transition = RNG.dirichlet(np.ones(emission.shape[2]), emission.shape[2])
    initial = np.full(emission.shape[2], 1 / emission.shape[2])
    logs = np.log(transition), np.log(initial)
    return emission, transition, initial, logs, [torch.tensor(value) for value in (emission, *logs)]


def close(found, expected):
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.mark.parametrize("size", SHAPES)
def test_forward_backward(race, size):
    emission, transition, initial, logs, tensors = chain(size)
    race(
        "forward-backward",
        size,
        Racer(lambda: forward_backward(emission, *logs)[0]),
        {
            "torch, loop over time": Racer(lambda: looped(*tensors)),
            "hmmlearn, log": Racer(lambda: by_hmmlearn(emission, transition, initial)),
        },
        close,
        rounds=5,
    )


@pytest.mark.parametrize("size", SHAPES)
def test_viterbi(race, size):
    emission, transition, initial, logs, tensors = chain(size)
    race(
        "Viterbi",
        size,
        Racer(lambda: viterbi(emission, *logs)),
        {
            "torch, loop over time": Racer(lambda: path_looped(*tensors)),
            "hmmlearn": Racer(lambda: path_by_hmmlearn(emission, transition, initial)),
        },
        np.testing.assert_array_equal,
        rounds=5,
    )


@pytest.mark.parametrize(("states", "neurons", "bins"), [(3, 12, 5000), (5, 20, 60_000)])
def test_gradient(race, states, neurons, bins):
    counts, c = RNG.poisson(0.5, (bins, neurons)).astype(float), RNG.random((bins, neurons))
    gamma, bias = RNG.dirichlet(np.ones(states), bins), RNG.normal(size=neurons)
    weight = RNG.normal(size=(states, neurons, neurons))
    x, regressors, posterior = (torch.tensor(value) for value in (counts, c, gamma))

    def autograd():
        w, b = (torch.tensor(value, requires_grad=True) for value in (weight, bias))
        f = torch.sigmoid(regressors @ w.transpose(1, 2) + b)
        (posterior.T[:, :, None] * (x * torch.log(f + glm.EPS) - f)).sum().backward()
        return w.grad.numpy()

    race(
        "gradient of the M-step",
        f"{states} states, {neurons} neurons, {bins} bins",
        Racer(lambda: glm.gradient(counts, c, gamma, weight, bias, "sigmoid")[0]),
        {"torch autograd": Racer(autograd)},
        lambda found, expected: np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8),
        rounds=5,
    )
