"""States lose what sets them apart: every state's couplings become the ones that all states share.

Of a one-hot model (Li et al., ICLR 2024) that is the prior's signed mean, (P_exc - P_inh) times the mean strength; of
free weights their mean over states. What is left of the likelihood is owed to what states share.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.neural.hmm_glm import EXCITATORY, INHIBITORY, HmmGlm


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def intervene(model: Model, params: Params) -> Model:
    """The model with equal states. Raises UserError for a model that is not `neural.hmm_glm`."""
    system = model.system
    if not isinstance(system, HmmGlm):
        raise UserError(f"pruning.lesion_states looks at models of neural.hmm_glm, not of {model.component}")
    if system.params.discrete:
        prior = system.prior()
        shared = (prior[..., EXCITATORY] - prior[..., INHIBITORY]) * system.strength.mean(axis=0)
    else:
        shared = system["weight"].mean(axis=0)
    every = np.repeat(shared[None], system.states, axis=0)
    return model.with_(system=system.free(every), params={**model.params, "kind": "naive"})
