"""Switching coupled neurons: a hidden Markov model whose emissions are Poisson GLMs (Li et al., ICLR 2024).

Spike counts x [T, N] of state z_t in 0..S-1: x_tn ~ Poisson(link(b_n + sum_n' W[z_t, n, n'] c_tn')), c the counts of
the last K bins under a fixed exponential kernel. Weights are free (`naive`), free with a Gaussian prior round the mean
over states (`gaussian`), or adjacency times strength (`onehot`, and `categorical`, which differs in the density of its
prior alone): W = (a_exc - a_inh) g with a = softmax(A) per state and pair, classes ordered (inhibitory, none,
excitatory), g = softplus(free), and one prior over classes that all states share. One state is a plain GLM. The first
state is uniform.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm
from neurosieve.kernels.forward_backward import forward, forward_backward
from neurosieve.kernels.gumbel_softmax import log_softmax
from neurosieve.kernels.select import first_smallest
from neurosieve.kernels.viterbi import viterbi
from neurosieve.models.arrays import Arrays

if TYPE_CHECKING:
    from torch import nn

DRAWS = False
INHIBITORY, NONE, EXCITATORY = range(3)
Kind = Literal["naive", "gaussian", "onehot", "categorical"]


class Params(BaseModel):
    """Emissions and states."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind = "naive"
    """How weights are parametrised: naive (HG), gaussian (GHG), onehot or categorical (OHG, by the prior's density)."""
    states: int = Field(3, ge=1)
    """Hidden states; 1 is a plain GLM."""
    taps: int = Field(5, ge=1)
    """Past bins that a rate depends on."""
    link: glm.Link = "sigmoid"
    """sigmoid (rates below 1), softplus, or exp."""
    bias: Literal["shared", "per_state"] = "shared"
    """Whether states have biases of their own."""

    @property
    def discrete(self) -> bool:
        """Whether weights are an adjacency times strengths."""
        return self.kind in ("onehot", "categorical")


class HmmGlm(Arrays):
    """Parameters by name; which ones there are depends on `params.kind`. `params` say how they are read."""

    def __init__(self, params: Params, neurons: int) -> None:
        states, pairs = params.states, (params.states, neurons, neurons)
        weights: dict[str, np.ndarray] = {"weight": np.zeros(pairs)}
        if params.discrete:
            weights = {
                "logits_adjacency": np.zeros((*pairs, 3)),
                "strength_free": np.zeros(pairs),
                "logits_prior": np.zeros((neurons, neurons, 3)),
            }
        super().__init__(
            transition=np.full((states, states), 1 / states),
            bias=np.zeros(neurons if params.bias == "shared" else (states, neurons)),
            kernel=glm.taps(params.taps),
            **weights,
        )
        self.params = params

    @property
    def states(self) -> int:
        return self.params.states

    @property
    def strength(self) -> np.ndarray:
        """g [S, N, N] of a one-hot model."""
        return glm.rate(self["strength_free"], "softplus")

    def weights(self, *, hard: bool = True) -> np.ndarray:
        """W [S, post, pre]; of a one-hot model with the most probable class of each pair, or with the soft mixture."""
        if not self.params.discrete:
            return self["weight"]
        if hard:
            return self.classes() * self.strength
        a = np.exp(log_softmax(self["logits_adjacency"]))
        return (a[..., EXCITATORY] - a[..., INHIBITORY]) * self.strength

    def classes(self) -> np.ndarray:
        """Class of each pair [S, post, pre]: -1, 0, 1. Of a free weight its sign."""
        if not self.params.discrete:
            return np.sign(self["weight"]).astype(np.int64)
        return self["logits_adjacency"].argmax(axis=-1) - NONE

    def prior(self) -> np.ndarray:
        """Probabilities [post, pre, 3] that a one-hot model's states share."""
        return np.exp(log_softmax(self["logits_prior"]))

    def free(self, weight: np.ndarray) -> HmmGlm:
        """The same chain and biases with these weights [S, post, pre], free ones."""
        form = self.params.model_copy(update={"kind": "naive"})
        kept = {name: self[name] for name in ("transition", "bias", "kernel")}
        return HmmGlm(form, weight.shape[-1]).changed(weight=weight, **kept)

    def emission(self, counts: np.ndarray, *, hard: bool = True) -> np.ndarray:
        """log p(x_t | z = s) [B, T, S] of counts [B, T, N]."""
        c = glm.regressors(counts, self["kernel"])
        return glm.emission(counts, c, self.weights(hard=hard), self["bias"], self.params.link)

    def chain(self) -> tuple[np.ndarray, np.ndarray]:
        """log Pi [S, S] and the logarithm of the uniform first state [S]."""
        with np.errstate(divide="ignore"):
            return np.log(self["transition"]), np.full(self.states, -np.log(self.states))

    def posterior(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Posteriors of the states given the whole sequence [B, T, S], and log-likelihoods [B]."""
        gamma, _, total = forward_backward(self.emission(counts), *self.chain())
        return gamma, total

    def path(self, counts: np.ndarray) -> np.ndarray:
        """The most probable sequence of states [B, T], which posteriors bin by bin need not be."""
        return viterbi(self.emission(counts), *self.chain())

    def filtered(self, counts: np.ndarray) -> np.ndarray:
        """Posteriors of the states given the counts so far [B, T, S]."""
        alpha, _ = forward(self.emission(counts), *self.chain())
        return np.exp(alpha)

    # -- one bin at a time, as `export.onnx_step` writes it --------------------------------------------------------

    def step_module(self) -> nn.Module:
        """The forward filter: counts [rows, N], predicted states [rows, S] and the last counts [rows, K, N]."""
        from neurosieve.models.neural.filter import Filter

        return Filter(self.weights(), self["bias"], self["kernel"], self["transition"], self.params.link)

    def step_state(self) -> dict[str, np.ndarray]:
        """Before the first bin: uniform states, silence."""
        neurons = self.weights().shape[-1]
        return {"states": np.full(self.states, 1 / self.states), "counts": np.zeros((self.params.taps, neurons))}

    def step_inputs(self, example: np.ndarray) -> np.ndarray:
        """Counts [T, rows, N] of sequences [rows, T, N]."""
        return np.moveaxis(example, 1, 0)

    def step_outputs(self, example: np.ndarray) -> np.ndarray:
        """Filtered posteriors [T, rows, S]."""
        return np.moveaxis(self.filtered(example.astype(np.float64)), 1, 0)


def largest(weight: np.ndarray, count: int) -> np.ndarray:
    """True at the `count` entries of largest size; of equals the first."""
    kept = np.zeros(weight.size, dtype=bool)
    kept[first_smallest(-np.abs(weight).ravel(), count)] = True
    return kept.reshape(weight.shape)


def matching(found: np.ndarray, truth: np.ndarray, states: int, true_states: int) -> np.ndarray:
    """True state of each found one [states], so that most bins agree; found states too many come after the true."""
    from scipy.optimize import linear_sum_assignment

    confusion = np.zeros((states, true_states))
    np.add.at(confusion, (found.ravel(), truth.ravel()), 1)
    rows, columns = linear_sum_assignment(-confusion)
    order = np.full(states, -1)
    order[rows] = columns
    order[order < 0] = true_states + np.arange((order < 0).sum())
    return order


def build(params: Params, schema: Mapping[str, Any]) -> HmmGlm:
    """Parameters of zeros, every state alike, for counts of shape [T, N].

    Raises UserError where the data are no sequences, or too short for the history.
    """
    shape = schema["input_shape"]
    if len(shape) != 2:
        raise UserError(f"neural.hmm_glm: rows are sequences of counts [bins, neurons], these have shape {list(shape)}")
    if shape[0] < params.taps + 1:
        raise UserError(
            f"neural.hmm_glm: a sequence has {shape[0]} bins, but a history of {params.taps} needs at least"
            f" {params.taps + 1}; give longer sequences or fewer taps"
        )
    return HmmGlm(params, int(shape[1]))
