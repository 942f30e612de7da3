"""Importance in the order of the authors' code: retained rows by class, then the forget rows, batches running on.

As `analysis.importance`, but it can only be computed once the request is known, and a batch may hold retained and
forgotten rows (in the code of Foster et al. 2024 the full loader runs across that border; with `restart` it does
not, and then alpha at or above B / B_f selects nothing).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.interventions.analysis.importance import (
    RULE,
    describe,
    importances,
    row_batches,
    warm_up,
)

VIEWS = ("forget", "retain")
DELTA = True


class Params(BaseModel):
    """How importances are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    mode: Literal["batch", "per_sample"] = "batch"
    """batch: squares of batch gradients; per_sample: squares of single rows' gradients."""
    loss: Literal["ce", "logit_norm"] = "ce"
    """ce: cross-entropy; logit_norm: squared norm of the logits, absolute gradients, no labels."""
    batch: int = Field(64, ge=1)
    """Rows per batch; a short last batch weighs as much as a full one."""
    by: str = ""
    """Column that groups rows; empty: the target."""
    restart: bool = False
    """True: a new batch starts at the border between retained and forgotten rows."""


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The model with importances of the training rows added, retained rows first; its weights are untouched."""
    rule = {name: getattr(params, name, "official") for name in RULE}
    everything = data.train
    chosen = np.isin(everything.ids, data.forget.ids)
    parts = []
    for mask in (~chosen, chosen):
        rows = np.flatnonzero(mask)
        whole = row_batches(everything.take(rows), {**rule, "batch": len(rows)})
        parts.append(torch.from_numpy(rows)[torch.cat(whole)])
    groups = parts if params.restart else [torch.cat(parts)]
    batches = [piece for group in groups for piece in group.split(params.batch)]
    warm_up(model, everything, rule)
    with log.timed("intervention_seconds"):
        tensors = importances(model, everything, rule, batches)
    note = {**describe(model, everything, rule, len(batches)), "restart": params.restart}
    return model.add_role("importance", tensors, note)
