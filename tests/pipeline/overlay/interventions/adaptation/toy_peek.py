"""Reads what the plan says: shows that an intervention gets neither hidden columns nor test rows."""

from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model


class Params(BaseModel):
    """Split and column to read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    split: str = "train"
    column: str = "odd"


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The model itself, if the column could be read."""
    log.step(rows=len(data.split(params.split)[params.column]))
    return model
