"""No fitting: the system is as it was built. For simulated systems whose parameters the study gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.model import Model


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def train(model: Model) -> Model:
    """The model itself."""
    return model
