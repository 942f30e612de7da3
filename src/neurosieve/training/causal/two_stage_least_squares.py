"""Two-stage least squares with exogenous covariates: biased where the instrument also acts on the outcome."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.models.causal.tables import tables
from neurosieve.optim.linear_iv import two_stage


class Params(BaseModel):
    """How many studies."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    replicates: int | None = Field(None, ge=1)
    """Studies; all that the data hold if left out."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """Estimates and standard errors [studies, 1]."""
    studies = tables(data.train, params.replicates)
    with log.timed("train_seconds"):
        found = np.array([two_stage(one.x, one.z, one.a, one.y) for one in studies])
    return model.with_(system=model.system.changed(estimate=found[:, :1], error=found[:, 1:]))
