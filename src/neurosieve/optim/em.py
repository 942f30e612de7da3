"""Generalised EM for switching Poisson GLMs (Li et al., ICLR 2024): one E-step, then a few Adam steps, in rounds.

The E-step is exact (forward-backward). Transitions are updated in closed form; the other parameters take `steps` steps
down the expected negative log-likelihood minus the log-prior of their kind, over all sequences at once, with analytic
gradients. A one-hot model draws a Gumbel-softmax adjacency for the likelihood at each step and reads its prior at the
softmax of the logits; the E-step takes the softmax at temperature 1. A categorical one does the same under the prior
sum a ln pi - H(a), H the entropy, which draws a to a corner, beside the likelihood per time bin (the authors' fit of
real recordings; there Pi takes Adam's steps too, and the adjacency is sampled in the E-step as well).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from neurosieve.kernels import gumbel_softmax as gs
from neurosieve.kernels import poisson_glm as glm
from neurosieve.kernels.forward_backward import forward_backward
from neurosieve.models.neural.hmm_glm import EXCITATORY, INHIBITORY, HmmGlm

FIXED = {"transition", "kernel"}
RARE = 5
"""Bins below which a state counts as rare."""
Gradients = dict[str, np.ndarray]


@dataclass(frozen=True)
class Recipe:
    """Rounds of EM, Adam's steps in each, their rate and decay; temperature of the adjacency, sd of the Gauss prior."""

    rounds: int = 40
    steps: int = 10
    lr: float = 0.02
    tau: float = 0.2
    sd: float = 1 / 3
    decay: float = 0.0


@dataclass
class Adam:
    """Adam over named arrays, default betas; `decay` shrinks weights apart from the gradient (AdamW)."""

    lr: float
    decay: float = 0.0
    taken: int = 0
    mean: Gradients = field(default_factory=dict)
    square: Gradients = field(default_factory=dict)

    def step(self, state: dict[str, np.ndarray], gradients: Gradients) -> dict[str, np.ndarray]:
        """The arrays after one step down."""
        self.taken += 1
        found = dict(state)
        for name, g in gradients.items():
            self.mean[name] = 0.9 * self.mean.get(name, 0.0) + 0.1 * g
            self.square[name] = 0.999 * self.square.get(name, 0.0) + 0.001 * g * g
            mean, square = self.mean[name] / (1 - 0.9**self.taken), self.square[name] / (1 - 0.999**self.taken)
            found[name] = state[name] * (1 - self.lr * self.decay) - self.lr * mean / (np.sqrt(square) + 1e-8)
        return found


def fit(
    system: HmmGlm,
    counts: np.ndarray,
    recipe: Recipe,
    rng: np.random.Generator,
    after_round: Callable[[int, HmmGlm, float, int], None] | None = None,
) -> HmmGlm:
    """The system after all rounds on counts [B, T, N].

    `after_round` hears round, system, log-likelihood per spike in nats (of the parameters that the round began with)
    and the number of states with fewer than five bins.
    """
    c = glm.regressors(counts, system["kernel"])
    n = counts.shape[-1]
    x, flat, adam = counts.reshape(-1, n), c.reshape(-1, n), Adam(recipe.lr, recipe.decay)
    spikes = max(1.0, float(counts.sum()))
    for round_ in range(1, recipe.rounds + 1):
        soft = system.weights(hard=False)
        emission = glm.emission(counts, c, soft, system["bias"], system.params.link)
        gamma, pairs, total = forward_backward(emission, *system.chain())
        posterior = gamma.reshape(-1, system.states)
        system = system.changed(transition=next_transition(pairs.sum(axis=0)))
        for _ in range(recipe.steps):
            system = _stepped(system, x, flat, posterior, recipe, rng, adam)
        if after_round is not None:
            after_round(round_, system, float(total.sum()) / spikes, int((posterior.sum(axis=0) < RARE).sum()))
    return system


def next_transition(pairs: np.ndarray) -> np.ndarray:
    """Pi [S, S] from pair posteriors summed over time: rows normalised, logarithms clamped at -8, softmax again."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(pairs / pairs.sum(axis=1, keepdims=True))
    return np.exp(gs.log_softmax(np.maximum(np.nan_to_num(logs, nan=0.0, neginf=-8.0), -8.0)))


def objective(
    system: HmmGlm, x: np.ndarray, c: np.ndarray, gamma: np.ndarray, recipe: Recipe, noise: np.ndarray | None = None
) -> tuple[float, float]:
    """sum gamma ln p(x | z) of counts and regressors [M, N], gamma [M, S], and the log-prior of the system's kind.

    The first is per time bin (over M) in a categorical model.
    """
    weight = sampled(system, noise, recipe.tau)[0] if noise is not None else system.weights(hard=False)
    emission = glm.emission(x, c, weight, system["bias"], system.params.link)
    return float((gamma * emission).sum()) * _share(system, x), log_prior(system, recipe)


def log_prior(system: HmmGlm, recipe: Recipe) -> float:
    """Log-density of weights or adjacency under the prior that states share; 0 for free weights."""
    if system.params.kind == "gaussian":
        off = (system["weight"] - system["weight"].mean(axis=0)) / recipe.sd
        return float(-0.5 * (off**2).sum() - off.size * np.log(recipe.sd * np.sqrt(2 * np.pi)))
    if not system.params.discrete:
        return 0.0
    log_a, log_pi = gs.log_softmax(system["logits_adjacency"]), gs.log_softmax(system["logits_prior"])
    if system.params.kind == "categorical":
        return float((np.exp(log_a) * (log_pi + log_a)).sum())
    return float(gs.log_density(log_a, log_pi, recipe.tau).sum())


def _share(system: HmmGlm, x: np.ndarray) -> float:
    """What the likelihood of counts [M, N] is scaled with."""
    return 1 / len(x) if system.params.kind == "categorical" else 1.0


def sampled(system: HmmGlm, noise: np.ndarray, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights [S, N, N] under a soft adjacency [S, N, N, 3] drawn with this Gumbel noise, and the adjacency."""
    a = np.exp(gs.log_softmax((system["logits_adjacency"] + noise) / tau))
    return (a[..., EXCITATORY] - a[..., INHIBITORY]) * system.strength, a


def gradients(
    system: HmmGlm, x: np.ndarray, c: np.ndarray, gamma: np.ndarray, recipe: Recipe, noise: np.ndarray | None = None
) -> Gradients:
    """Gradients of minus the objective, by parameter; a discrete model needs Gumbel noise [S, N, N, 3]."""
    link, bias = system.params.link, system["bias"]
    if not system.params.discrete:
        by_weight, by_bias = glm.gradient(x, c, gamma, system["weight"], bias, link)
        if system.params.kind == "gaussian":  # no gradient through the prior's mean
            by_weight -= (system["weight"] - system["weight"].mean(axis=0)) / recipe.sd**2
        return {"weight": -by_weight, "bias": -by_bias}
    assert noise is not None
    weight, a = sampled(system, noise, recipe.tau)
    by_weight, by_bias = (_share(system, x) * one for one in glm.gradient(x, c, gamma, weight, bias, link))
    by_a = np.zeros_like(a)
    by_a[..., EXCITATORY] = by_weight * system.strength
    by_a[..., INHIBITORY] = -by_a[..., EXCITATORY]
    prior_a, prior_pi = _prior_gradient(system, recipe.tau)
    by_strength = by_weight * (a[..., EXCITATORY] - a[..., INHIBITORY])
    return {
        "bias": -by_bias,
        "logits_adjacency": -gs.through_softmax(by_a, a) / recipe.tau - prior_a,
        "strength_free": -by_strength * glm.rate(system["strength_free"], "sigmoid"),
        "logits_prior": -prior_pi.sum(axis=0),
    }


def _prior_gradient(system: HmmGlm, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Gradients [S, N, N, 3] of a discrete model's log-prior by the logits of its adjacency and of its prior."""
    log_a, log_pi = gs.log_softmax(system["logits_adjacency"]), gs.log_softmax(system["logits_prior"])
    if system.params.kind == "onehot":
        return gs.gradient(log_a, np.broadcast_to(log_pi, log_a.shape), tau)
    a = np.exp(log_a)
    return gs.through_softmax(log_pi + log_a + 1, a), gs.through_log_softmax(a, np.broadcast_to(log_pi, a.shape))


def _stepped(
    system: HmmGlm,
    x: np.ndarray,
    c: np.ndarray,
    gamma: np.ndarray,
    recipe: Recipe,
    rng: np.random.Generator,
    adam: Adam,
) -> HmmGlm:
    kind = system.params.kind
    noise = rng.gumbel(size=system["logits_adjacency"].shape) if system.params.discrete else None
    state = adam.step(system.state, gradients(system, x, c, gamma, recipe, noise))
    if kind == "categorical":
        state["logits_adjacency"] = np.maximum(gs.log_softmax(state["logits_adjacency"]), -20)
    for name in ("logits_adjacency", "logits_prior") if kind == "onehot" else ():
        extreme = (gs.log_softmax(state[name]) < -20).any(axis=-1, keepdims=True)  # else the density explodes
        state[name] = np.where(extreme, state[name] / 2, state[name])
    return system.changed(**state)
