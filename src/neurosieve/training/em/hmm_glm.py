"""Generalised EM for switching Poisson GLMs from scratch (Li et al., ICLR 2024), on all training sequences at once.

Starts from weights of 0.01 N(0, 1) (exact zeros would keep all states alike for ever), logits of 0, biases at the mean
rates (the authors put the mean counts themselves there) and states that last `1 / (1 - stay)` bins.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm
from neurosieve.models.neural.hmm_glm import HmmGlm
from neurosieve.models.neural.spikes import checked
from neurosieve.optim import em


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rounds: int = Field(40, ge=1)
    """Rounds of EM."""
    steps: int = Field(10, ge=1)
    """Adam's steps per round."""
    lr: float = Field(0.02, gt=0)
    """Adam's rate."""
    tau: float = Field(0.2, gt=0)
    """Temperature of the Gumbel-softmax (one-hot and categorical models)."""
    sd: float = Field(1 / 3, gt=0)
    """Standard deviation of the prior (Gaussian models)."""
    decay: float = Field(0.0, ge=0)
    """Weight decay apart from the gradient (AdamW)."""
    stay: float = Field(0.98, gt=0, lt=1)
    """Probability, at the start, that a state lasts to the next bin."""
    checkpoints: tuple[int, ...] = ()
    """Rounds after which the model is kept, as e<k>."""

    @model_validator(mode="after")
    def _checkpoints_exist(self) -> Params:
        beyond = [k for k in self.checkpoints if not 1 <= k <= self.rounds]
        if beyond:
            raise ValueError(f"checkpoint after round {beyond[0]}, but rounds run from 1 to {self.rounds}")
        return self


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The fitted model. Logs one row per round: log-likelihood per spike (nats) and how many states are rare.

    Raises UserError where a row is no spike counts, or the link cannot reach the observed rates.
    """
    counts = checked(data.train.x)
    rng = np.random.default_rng(seed)
    system = started(model.system, counts, params.stay, rng)
    recipe = em.Recipe(params.rounds, params.steps, params.lr, params.tau, params.sd, params.decay)

    def after_round(round_: int, now: HmmGlm, value: float, rare: int) -> None:
        log.step(epoch=round_, log_likelihood_per_spike=value, rare_states=rare)
        if round_ in params.checkpoints:
            log.checkpoint(f"e{round_}", model.with_(system=now))

    em.fit(system, counts[:1, : system.params.taps + 2], em.Recipe(1, 1), np.random.default_rng(0))  # compiles
    with log.timed("train_seconds"):
        system = em.fit(system, counts, recipe, rng, after_round)
    return model.with_(system=system)


def started(system: HmmGlm, counts: np.ndarray, stay: float, rng: np.random.Generator) -> HmmGlm:
    """Where EM begins. Raises UserError for rates that a sigmoid cannot reach."""
    mean, link, states = counts.mean(axis=(0, 1)), system.params.link, system.states
    if link == "sigmoid" and mean.max() >= 1:
        worst = int(mean.argmax())
        raise UserError(
            f"neural.hmm_glm: neuron {worst} fires {mean[worst]:.3g} times a bin on average, a sigmoid gives fewer than"
            " 1; use link: softplus, or shorter bins"
        )
    bias = glm.inverse(np.maximum(mean, 1 / counts[..., 0].size), link)
    transition = np.full((states, states), (1 - stay) / max(1, states - 1))
    np.fill_diagonal(transition, stay if states > 1 else 1.0)
    found = {"transition": transition, "bias": np.broadcast_to(bias, system["bias"].shape).copy()}
    if "weight" in system.state:
        found["weight"] = 0.01 * rng.standard_normal(system["weight"].shape)
    return system.changed(**found)
