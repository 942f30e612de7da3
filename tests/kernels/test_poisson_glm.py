"""Golden regressors, rates and log-likelihoods of the official code; causality; gradients against autograd."""

import numpy as np
import pytest
import torch
from tests.support import golden

from neurosieve.kernels import poisson_glm as glm

CASE = golden("onehot-hmm-glm", "regressors-and-emissions")
LINKS = ["sigmoid", "softplus", "exp"]


def rates(link, bias="bias"):
    c = CASE["regressors"]
    return np.stack([glm.rate(glm.drives(one, CASE["weight"], CASE[bias]), link) for one in c])


def test_golden_kernel_and_regressors():
    np.testing.assert_allclose(glm.taps(5), CASE["phi"], atol=1e-12)
    for name in ("", "_changed"):
        found = glm.regressors(CASE[f"spikes{name}"], glm.taps(5))
        np.testing.assert_allclose(found, CASE[f"regressors{name}"], atol=1e-9)


def test_golden_rates_and_log_likelihoods():
    np.testing.assert_allclose(rates("softplus", "bias_per_state"), CASE["rate_softplus_per_state_bias"], atol=1e-9)
    for link in ("sigmoid", "softplus"):
        np.testing.assert_allclose(rates(link), CASE[f"rate_{link}"], atol=1e-9)
        found = glm.log_likelihood(CASE["spikes"][:, None], rates(link))
        np.testing.assert_allclose(found, CASE[f"loglik_{link}"], atol=1e-7)


@pytest.mark.parametrize(("link", "bias"), [("sigmoid", ""), ("softplus", "_per_state")])
def test_golden_emissions(link, bias):
    found = glm.emission(CASE["spikes"], CASE["regressors"], CASE["weight"], CASE[f"bias{bias}"], link)
    expected = CASE[f"emission_{link}{'_per_state_bias' if bias else ''}"]
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_a_count_changes_no_rate_up_to_its_own_bin():
    changed = CASE["regressors_changed"] != CASE["regressors"]
    assert not changed[0].any()  # the last bin
    found = glm.regressors(CASE["spikes_changed"], glm.taps(5)) != glm.regressors(CASE["spikes"], glm.taps(5))
    assert not found[0].any()
    assert not found[1, :7].any()
    assert found[1, 7].any()


@pytest.mark.parametrize("link", LINKS)
def test_inverse(link):
    drive = np.linspace(-4, 4, 9)
    np.testing.assert_allclose(glm.inverse(glm.rate(drive, link), link), drive, atol=1e-9)
    assert np.isfinite(glm.rate(np.array([-800.0, 700.0]), link)).all()


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_gradient_is_that_of_autograd(link, shape):
    rng = np.random.default_rng(0)
    counts, c = rng.poisson(0.5, (50, 4)), rng.random((50, 4))
    gamma, weight, bias = rng.dirichlet(np.ones(3), 50), rng.normal(size=(3, 4, 4)), rng.normal(size=shape)
    w, b = (torch.tensor(value, requires_grad=True) for value in (weight, bias))
    drive = torch.einsum("mj,sij->smi", torch.tensor(c), w) + (b if b.ndim == 1 else b[:, None])
    f = {"sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus, "exp": torch.exp}[link](drive)
    (torch.tensor(gamma).T[:, :, None] * (torch.tensor(counts) * torch.log(f + glm.EPS) - f)).sum().backward()
    by_weight, by_bias = glm.gradient(counts, c, gamma, weight, bias, link)
    np.testing.assert_allclose(by_weight, w.grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(by_bias, b.grad, rtol=1e-9, atol=1e-12)
