"""Couplings of an associative memory on few levels: E rounded to multiples of one step per column, symmetric at 0.

With b bits levels run from -(2^(b-1) - 1) to 2^(b-1) - 1 times the step; one bit keeps the sign, at the column's mean
size.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.associative.factor import Factor


class Params(BaseModel):
    """How coarse."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bits: int = Field(4, ge=1, le=8)
    """Bits per entry."""


def intervene(model: Model, params: Params, log: Log) -> Model:
    """The memory on few levels. Raises UserError for another model."""
    system = model.system
    if not isinstance(system, Factor):
        raise UserError("adaptation.quantise_couplings is for models of associative.factor")
    with log.timed("intervention_seconds"):
        changed = system.changed(E=rounded(system["E"], params.bits))
    return model.with_(system=changed)


def rounded(couplings: np.ndarray, bits: int) -> np.ndarray:
    """E [N, K] on the levels of `bits` bits, float32."""
    if bits == 1:
        return (np.sign(couplings) * np.abs(couplings).mean(axis=0)).astype(np.float32)
    levels = 2 ** (bits - 1) - 1
    step = np.abs(couplings).max(axis=0) / levels
    step = np.where(step > 0, step, 1.0)
    return (np.round(couplings / step) * step).astype(np.float32)
