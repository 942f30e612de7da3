"""Ordinary least squares of the outcome on treatment, instrument and covariates: biased by what is not observed."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.models.causal.tables import tables
from neurosieve.optim.linear_iv import ols


class Params(BaseModel):
    """How many studies."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    instrument: bool = True
    """Whether the instrument is among the regressors."""
    replicates: int | None = Field(None, ge=1)
    """Studies; all that the data hold if left out."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """Estimates and standard errors [studies, 1]."""
    studies = tables(data.train, params.replicates)
    with log.timed("train_seconds"):
        found = np.array([ols(one.x, one.z, one.a, one.y, instrument=params.instrument) for one in studies])
    return model.with_(system=model.system.changed(estimate=found[:, :1], error=found[:, 1:]))
