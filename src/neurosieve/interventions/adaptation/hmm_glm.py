"""EM goes on under another prior: a fitted switching GLM, warm-started as naive, Gaussian or one-hot (Li et al. 2024).

From a naive fit a one-hot or categorical model begins with logits -2 W, 0, 2 W (inhibitory, none, excitatory; clipped
to +-3), strengths max(|W|, floor) and prior logits at their mean over states: from logits of zero it stays stuck at few
rounds. Adam begins anew. Reads all training rows; `adaptation.hmm_glm_retained` reads retained ones alone.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm
from neurosieve.models.neural.hmm_glm import HmmGlm, Kind
from neurosieve.models.neural.spikes import checked
from neurosieve.optim import em


class Params(BaseModel):
    """The prior, and the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Kind = "onehot"
    """How weights are parametrised from now on."""
    rounds: int = Field(20, ge=1)
    """Rounds of EM."""
    steps: int = Field(10, ge=1)
    """Adam's steps per round."""
    lr: float = Field(0.02, gt=0)
    """Adam's rate."""
    floor: float = Field(0.05, gt=0)
    """Least strength with which a one-hot model begins."""
    tau: float = Field(0.2, gt=0)
    """Temperature of the Gumbel-softmax (one-hot and categorical models)."""
    sd: float = Field(1 / 3, gt=0)
    """Standard deviation of the prior (Gaussian models)."""
    decay: float = Field(0.0, ge=0)
    """Weight decay apart from the gradient (AdamW)."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model fitted on. Logs one row per round. Raises UserError for a model that is not `neural.hmm_glm`."""
    return continued(model, data.train, params, seed, log)


def continued(model: Model, rows: Split, params: Params, seed: int, log: Log) -> Model:
    """EM from where the model is, on these rows, under the prior that is asked for."""
    if not isinstance(model.system, HmmGlm):
        raise UserError(f"adaptation.hmm_glm fits models of neural.hmm_glm, not of {model.component}")
    counts, system = checked(rows.x), warmed(model.system, params.kind, params.floor)
    recipe = em.Recipe(params.rounds, params.steps, params.lr, params.tau, params.sd, params.decay)
    em.fit(system, counts[:1, : system.params.taps + 2], em.Recipe(1, 1), np.random.default_rng(0))  # compiles

    def after_round(round_: int, _system: HmmGlm, value: float, rare: int) -> None:
        log.step(epoch=round_, log_likelihood_per_spike=value, rare_states=rare)

    with log.timed("intervention_seconds"):
        system = em.fit(system, counts, recipe, np.random.default_rng([seed, 1]), after_round)
    return model.with_(system=system, params={**model.params, "kind": params.kind})


def warmed(system: HmmGlm, kind: Kind, floor: float = 0.05) -> HmmGlm:
    """The same couplings under another parametrisation."""
    if kind == system.params.kind:
        return system
    weight, form = system.weights(), system.params.model_copy(update={"kind": kind})
    kept = {name: system[name] for name in ("transition", "bias", "kernel")}
    fresh = HmmGlm(form, weight.shape[-1])
    if fresh.params.discrete and system.params.discrete:
        return fresh.changed(**system.state)
    if not fresh.params.discrete:
        return fresh.changed(weight=weight, **kept)
    pull = np.clip(2 * weight, -3, 3)
    logits = np.stack([-pull, np.zeros_like(pull), pull], axis=-1)
    strength = glm.inverse(np.maximum(np.abs(weight), floor), "softplus")
    return fresh.changed(logits_adjacency=logits, strength_free=strength, logits_prior=logits.mean(axis=0), **kept)
