"""Noise on the couplings of an associative memory: every entry of E gets a draw of a normal distribution.

What an analogue device does to stored numbers. `sd` is relative to the root mean square of E.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.associative.factor import Factor


class Params(BaseModel):
    """How much."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sd: float = Field(0.5, ge=0)
    """Standard deviation over the root mean square of E."""


def intervene(model: Model, params: Params, seed: int, log: Log) -> Model:
    """The noisy memory. Raises UserError for another model."""
    system = model.system
    if not isinstance(system, Factor):
        raise UserError("adaptation.coupling_noise is for models of associative.factor")
    with log.timed("intervention_seconds"):
        couplings = system["E"]
        size = float(np.sqrt((couplings.astype(np.float64) ** 2).mean()))
        draws = np.random.default_rng(seed).standard_normal(couplings.shape)
        changed = system.changed(E=(couplings + params.sd * size * draws).astype(np.float32))
    return model.with_(system=changed)
