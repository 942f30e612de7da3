"""Dilution of an associative memory: a share of the entries of its couplings E is set to 0, drawn or the smallest.

The mask is stored under the role `mask`; the history tells how many entries went.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.associative.factor import Factor


class Params(BaseModel):
    """How much, and which."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sparsity: float = Field(0.5, ge=0, lt=1)
    """Share of the entries that are 0 afterwards, to the nearest entry."""
    which: Literal["random", "smallest"] = "random"
    """random: drawn; smallest: of smallest absolute value, the first of equals."""


def intervene(model: Model, params: Params, seed: int, log: Log) -> Model:
    """The diluted memory. Raises UserError for another model."""
    system = model.system
    if not isinstance(system, Factor):
        raise UserError("pruning.dilute is for models of associative.factor")
    with log.timed("intervention_seconds"):
        entries = system["E"].ravel()
        count = round(params.sparsity * entries.size)
        if params.which == "random":
            gone = np.random.default_rng(seed).permutation(entries.size)[:count]
        else:
            gone = np.argsort(np.abs(entries), kind="stable")[:count]
        mask = np.ones(entries.size, np.float32)
        mask[gone] = 0
        changed = system.changed(E=(entries * mask).reshape(system["E"].shape))
    log.step(layer="E", elements=entries.size, pruned=count, kept=entries.size - count)
    return model.with_(system=changed).add_role("mask", {"E": mask.reshape(system["E"].shape)})
