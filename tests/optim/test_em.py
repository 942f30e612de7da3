"""Golden E-steps, losses and gradients of the official code; the closed update of transitions; a plain Poisson GLM."""

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels import poisson_glm as glm
from neurosieve.kernels.forward_backward import forward_backward
from neurosieve.models.neural.hmm_glm import HmmGlm, Params
from neurosieve.optim import em

CASE = golden("onehot-hmm-glm", "losses-and-gradients")
KINDS = {"hg": "naive", "ghg": "gaussian", "ohg": "onehot"}
RECIPE = em.Recipe()


def system_of(case):
    """The model with the golden parameters."""
    made = HmmGlm(Params(kind=KINDS[case]), 4)
    names = ("logits_adjacency", "strength_free", "logits_prior") if case == "ohg" else ("weight",)
    return made.changed(**{name: CASE[name] for name in ("bias", "transition", *names)})


def noise_of(case):
    return CASE["ohg_gumbel_noise"] if case == "ohg" else None


@pytest.mark.parametrize("case", KINDS)
def test_golden_e_step(case):
    system = system_of(case)
    np.testing.assert_allclose(system.weights(hard=False), CASE[f"{case}_estep_weight"], rtol=1e-8)
    gamma, pairs, total = forward_backward(system.emission(CASE["spikes"][None], hard=False), *system.chain())
    np.testing.assert_allclose(gamma[0], CASE[f"{case}_gamma"], atol=1e-9)
    np.testing.assert_allclose(pairs[0], CASE[f"{case}_xi_sum"], atol=1e-9)
    assert total[0] == pytest.approx(float(CASE[f"{case}_loglik"]), rel=1e-9)


@pytest.mark.parametrize("case", KINDS)
def test_golden_terms_and_gradients_of_the_m_step(case):
    given = system_of(case), CASE["spikes"], CASE["regressors"], CASE[f"{case}_gamma"], RECIPE, noise_of(case)
    fit, prior = em.objective(*given)
    assert fit == pytest.approx(CASE[f"{case}_terms"][0], rel=1e-8)
    assert prior == pytest.approx(CASE[f"{case}_terms"][3], rel=1e-8)
    assert -fit - prior == pytest.approx(float(CASE[f"{case}_loss"]), rel=1e-8)
    found = em.gradients(*given)
    for name, value in found.items():
        np.testing.assert_allclose(value, CASE[f"{case}_grad_{name}"], rtol=1e-7, atol=1e-7, err_msg=name)


def test_golden_hard_weights_and_sample():
    system = system_of("ohg")
    np.testing.assert_allclose(system.weights(), CASE["ohg_hard_weight"], rtol=1e-8)
    np.testing.assert_array_equal(system.classes(), CASE["ohg_hard_class"])
    np.testing.assert_allclose(em.sampled(system, noise_of("ohg"), 0.2)[0], CASE["ohg_mstep_weight"], rtol=1e-8)


@pytest.mark.parametrize("case", ["plain", "zero"])
def test_golden_transition_update(case):
    arrays = golden("onehot-hmm-glm", "transition-update")
    found = em.next_transition(arrays[f"xi_{case}"].sum(axis=0))
    np.testing.assert_allclose(found, arrays[f"transition_{case}"], atol=1e-12)


def test_a_state_that_was_never_seen_keeps_a_row_that_sums_to_one():
    np.testing.assert_allclose(em.next_transition(np.array([[3.0, 1.0], [0.0, 0.0]])).sum(axis=1), 1)


def test_golden_pooled_round_of_a_poisson_model():
    case = golden("onehot-hmm-glm", "forward-backward")
    rates = case["poisson_rates"]
    system = HmmGlm(Params(link="exp", bias="per_state"), 4)
    system = system.changed(bias=np.log(rates), transition=case["poisson_transition"])
    pairs, weighted, mass = np.zeros((3, 3)), np.zeros((3, 4)), np.zeros(3)
    for part in np.split(case["poisson_counts"], np.cumsum(case["poisson_lengths"])[:-1]):
        gamma, xi, _ = forward_backward(system.emission(part[None]), *system.chain())
        pairs, weighted, mass = pairs + xi[0], weighted + gamma[0].T @ part, mass + gamma[0].sum(axis=0)
    np.testing.assert_allclose(em.next_transition(pairs), case["poisson_transition_next"], atol=1e-6)
    np.testing.assert_allclose(weighted / mass[:, None], case["poisson_rates_next"], atol=1e-6)


def test_one_state_with_an_exponential_link_is_scikit_learn_s_poisson_regression():
    from sklearn.linear_model import PoissonRegressor

    rng = np.random.default_rng(0)
    counts = rng.poisson(0.6, (4, 400, 3)).astype(float)
    system = HmmGlm(Params(states=1, link="exp"), 3)
    fitted = em.fit(system, counts, em.Recipe(rounds=300, steps=10, lr=0.005), rng)
    c = glm.regressors(counts, system["kernel"]).reshape(-1, 3)
    for neuron in range(3):
        peer = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(c, counts.reshape(-1, 3)[:, neuron])
        np.testing.assert_allclose(fitted["weight"][0, neuron], peer.coef_, atol=2e-4)
        assert fitted["bias"][neuron] == pytest.approx(peer.intercept_, abs=2e-4)


def test_the_log_likelihood_of_a_naive_model_rises_round_by_round():
    from neurosieve.datasets.neural import hmm_glm

    counts = hmm_glm.prepare(hmm_glm.Params(neurons=4, bins=200, train=3, test=1), 0).split("train").x.astype(float)
    rng, heard = np.random.default_rng(0), []
    start = HmmGlm(Params(), 4).changed(
        weight=0.1 * rng.standard_normal((3, 4, 4)), transition=np.eye(3) * 0.9 + 1 / 30
    )
    em.fit(start, counts, em.Recipe(rounds=10), rng, lambda *told: heard.append(told))
    values = [value for _, _, value, _ in heard]
    assert [round_ for round_, *_ in heard] == list(range(1, 11))
    assert (np.diff(values) > -1e-3).all()
    assert values[-1] > values[0] + 0.01


def test_the_categorical_prior_and_its_gradients_are_autograd_s():
    import torch

    system = system_of("ohg")
    system = HmmGlm(Params(kind="categorical"), 4).changed(**system.state)
    given = CASE["spikes"], CASE["regressors"], CASE["ohg_gamma"]
    names = ("bias", "logits_adjacency", "strength_free", "logits_prior")
    bias, logits, free, prior = (torch.tensor(system[name], requires_grad=True) for name in names)
    x, c, gamma, noise = (torch.tensor(value, dtype=torch.float64) for value in (*given, noise_of("ohg")))
    sample = torch.softmax((logits + noise) / 0.5, dim=-1)
    weight = (sample[..., 2] - sample[..., 0]) * torch.nn.functional.softplus(free)
    rate = torch.sigmoid(torch.einsum("snm,tm->tsn", weight, c) + bias)
    fit = (gamma[:, :, None] * (x[:, None] * torch.log(rate + 1e-8) - rate - torch.lgamma(x + 1)[:, None])).sum() / 25
    log_a, log_pi = torch.log_softmax(logits, dim=-1), torch.log_softmax(prior, dim=-1)
    entropy = -(log_a.exp() * log_a).sum()
    loss = -fit - (log_a.exp() * log_pi).sum() + entropy
    loss.backward()
    recipe = em.Recipe(tau=0.5)
    likelihood, density = em.objective(system, *given, recipe, noise_of("ohg"))
    assert -likelihood - density == pytest.approx(loss.item(), rel=1e-10)
    found = em.gradients(system, *given, recipe, noise_of("ohg"))
    for name, leaf in zip(names, (bias, logits, free, prior), strict=True):
        np.testing.assert_allclose(found[name], leaf.grad.numpy(), rtol=1e-8, atol=1e-8, err_msg=name)


def test_a_categorical_adjacency_is_drawn_to_corners_and_stays_above_its_floor():
    system, rng = HmmGlm(Params(kind="categorical"), 4), np.random.default_rng(0)
    system = system.changed(logits_adjacency=rng.normal(size=(3, 4, 4, 3)), strength_free=rng.normal(size=(3, 4, 4)))
    fitted = em.fit(system, CASE["spikes"][None].astype(float), em.Recipe(rounds=20, lr=0.1, tau=0.5), rng)
    before, after = (em.gs.log_softmax(one["logits_adjacency"]) for one in (system, fitted))
    assert np.exp(after).max(axis=-1).mean() > 0.95 > np.exp(before).max(axis=-1).mean()
    assert after.min() > -21


def test_decay_is_torch_s_adamw():
    import torch

    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(4, 5))
    leaf = torch.nn.Parameter(torch.tensor(start))
    peer = torch.optim.AdamW([leaf], lr=0.1, weight_decay=0.3)
    adam, state = em.Adam(0.1, 0.3), {"w": start}
    for gradient in gradients:
        leaf.grad = torch.tensor(gradient)
        peer.step()
        state = adam.step(state, {"w": gradient})
    np.testing.assert_allclose(state["w"], leaf.detach().numpy(), rtol=1e-6)


def test_extreme_logits_are_halved():
    system = system_of("ohg")
    c, x, gamma = CASE["regressors"], CASE["spikes"], CASE["ohg_gamma"]
    stepped = em._stepped(system, x, c, gamma, RECIPE, np.random.default_rng(0), em.Adam(1e-9))
    for name in ("logits_adjacency", "logits_prior"):
        logs = em.gs.log_softmax(system[name])
        extreme = (logs < -20).any(axis=-1)
        assert extreme.any()
        np.testing.assert_allclose(stepped[name][extreme], system[name][extreme] / 2, atol=1e-6)
        np.testing.assert_allclose(stepped[name][~extreme], system[name][~extreme], atol=1e-6)
