"""Only connections stay: a one-hot model becomes its hard adjacency, free weights keep as many, the largest.

Of a one-hot model (Li et al., ICLR 2024) every pair keeps the weight of its most probable class, which is 0 where that
is `none`: the adjacency is sparse by itself. A model with free weights keeps, over all states, as many entries as the
one named by `with:` has connections, or a share `keep`. The result has free weights and a mask of what stayed.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.neural.hmm_glm import HmmGlm, largest


class Params(BaseModel):
    """How many connections stay where the model itself does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    keep: float | None = Field(None, gt=0, le=1)
    """Share of pairs, over all states, that free weights keep; without it as many as the model named by `with:`."""


def intervene(model: Model, params: Params) -> Model:
    """The sparse model. Raises UserError where nothing says how many connections to keep."""
    system = _system(model)
    weight = system.weights()
    if not system.params.discrete:
        weight = np.where(largest(weight, _count(model, params, weight.size)), weight, 0.0)
    sparse = model.with_(system=system.free(weight), params={**model.params, "kind": "naive"})
    return sparse.add_role("mask", {"weight": (weight != 0).astype(np.uint8)})


def _count(model: Model, params: Params, pairs: int) -> int:
    if params.keep is not None:
        return max(1, round(params.keep * pairs))
    if not model.companions:
        raise UserError("pruning.adjacency: free weights need `keep`, or `with:` a model whose connections are counted")
    return int(np.count_nonzero(_system(model.companions[0]).weights()))


def _system(model: Model) -> HmmGlm:
    if not isinstance(model.system, HmmGlm):
        raise UserError(f"pruning.adjacency prunes models of neural.hmm_glm, not of {model.component}")
    return model.system
