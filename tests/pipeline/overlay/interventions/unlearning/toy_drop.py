"""Move the centres of the forgotten classes away; nothing is drawn."""

import copy

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model

VIEWS = ("forget",)
DISTANCE = 1.0


class Params(BaseModel):
    """How far the centre moves, and at which multiple of the counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    far: float = Field(100.0, gt=0)
    lambda_: float = Field(1.0, gt=0, alias="lambda")


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """A copy with the forgotten classes' centres moved."""
    system = copy.deepcopy(model.system)
    with log.timed("intervention_seconds"):
        for label in np.unique(data.forget.y):
            system.state["centres"][label] += params.far * params.lambda_ * DISTANCE
    return model.with_(system=system)
