"""Centres as a weighted sum of the companions' centres: the order of `with:` decides the weights."""

import copy

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model


class Params(BaseModel):
    """One weight per companion, in the order of `with:`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    weights: tuple[float, ...]


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The weighted sum in place of the model's own centres."""
    system = copy.deepcopy(model.system)
    parts = zip(params.weights, model.companions, strict=True)
    system.state["centres"] = np.sum([w * other.system.state["centres"] for w, other in parts], axis=0)
    return model.with_(system=system)
