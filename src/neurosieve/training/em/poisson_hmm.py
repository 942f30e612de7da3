"""States with Poisson rates of their own and no coupling, fitted by hmmlearn: the baseline of switching Poisson GLMs.

The result is a `neural.hmm_glm` with biases per state that give hmmlearn's rates, weights of zero and its transitions;
the first state stays uniform. All of hmmlearn's rounds are exact EM from its own start (k-means of its counts).
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm
from neurosieve.models.neural.spikes import checked

NEEDS = ("hmmlearn",)


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rounds: int = Field(40, ge=1)
    """Most rounds of EM."""
    stay: float = Field(0.98, gt=0, lt=1)
    """Probability, at the start, that a state lasts to the next bin."""


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The fitted model. Logs one row per round. Raises UserError unless the model has naive weights and own biases."""
    from hmmlearn.hmm import PoissonHMM

    form, counts = model.system.params, checked(data.train.x).astype(np.int64)
    if form.kind != "naive" or form.bias != "per_state":
        raise UserError("em.poisson_hmm: states have rates of their own: give the model kind: naive, bias: per_state")
    states, rows = form.states, counts.reshape(-1, counts.shape[-1])
    peer = PoissonHMM(states, params="tl", init_params="l", n_iter=params.rounds, tol=1e-6, random_state=seed)
    peer.startprob_ = np.full(states, 1 / states)
    peer.transmat_ = np.full((states, states), (1 - params.stay) / max(1, states - 1))
    np.fill_diagonal(peer.transmat_, params.stay if states > 1 else 1.0)
    with log.timed("train_seconds"):
        peer.fit(rows, np.full(len(counts), counts.shape[1]))
    for round_, value in enumerate(peer.monitor_.history, start=1):
        log.step(epoch=round_, log_likelihood_per_spike=value / max(1, rows.sum()))
    rates = np.maximum(np.asarray(peer.lambdas_), 1e-6)
    if form.link == "sigmoid":
        rates = np.minimum(rates, 1 - 1e-6)
    system = model.system.changed(bias=glm.inverse(rates, form.link), transition=peer.transmat_)
    return model.with_(system=system)
