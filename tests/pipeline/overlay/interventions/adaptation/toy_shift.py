"""Move every centre by the same amount; stores only the centres."""

import copy

from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model

DELTA = True


class Params(BaseModel):
    """A factor, and how far the scaled centres move."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: float = 0.0
    scale: float = 1.0


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """A copy with the centres moved."""
    system = copy.deepcopy(model.system)
    system.state["centres"] = system.state["centres"] * params.scale + params.by
    return model.with_(system=system)
