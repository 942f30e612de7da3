"""Importance of every parameter for the training rows, stored with the model for later unlearning.

Diagonal of the empirical Fisher information in eval mode (Foster et al. 2024, equation 2; Kirkpatrick et al. 2017):
  mode batch       I = (1/B) sum_b (gradient of the mean loss of batch b)^2, as the authors' code computes it;
  mode per_sample  I = (1/n) sum_i (gradient of the loss of row i)^2, as their text defines it.
Loss `ce` is cross-entropy (of numbers to be predicted the squared error); `logit_norm` is the squared norm of the
logits, with |gradient| in place of its square and no labels (their loss-free variant). How rows are cut into batches is
part of the method: alpha of `unlearning.ssd` means nothing without it, so the rule is stored with the tensors and the
forget rows follow it.

The modes differ wherever rows of a batch pull in different directions, and alpha differs with them. Measured on
glyph100 (ResNet-9, 54 rows a class, batches of 64 that restart at a class): per-sample importances are 4.2 times the
batches' (5 to 95 % of the weights: 2.6 to 7.6), 53 times where batches mix classes; their ranks agree to 0.96
(Spearman); at alpha 10, full class, SSD selects 141 weights by one and 466 by the other, about half of either at alpha
25 and the same ones, three of four, at 50. Per sample takes twice the CPU time where layers have a closed form; for
transformers `torch.func` is four to five times faster than a loop.

Computed over all training rows before anything is asked to be forgotten. Adds tensors `importance.<parameter>` and
the note {mode, loss, order, batch, by, rows, batches, checkpoint}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels.fisher import Objective, batch_gradients, row_gradients
from neurosieve.models.state import digest
from neurosieve.optim.losses import row_losses, squared_logits

DELTA = True
RULE = ("mode", "loss", "order", "batch", "by")
"""Fields that must agree between two importances that are compared."""


class Params(BaseModel):
    """How importances are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    mode: Literal["batch", "per_sample"] = "batch"
    """batch: squares of batch gradients; per_sample: squares of single rows' gradients."""
    loss: Literal["ce", "logit_norm"] = "ce"
    """ce: cross-entropy; logit_norm: squared norm of the logits, absolute gradients, no labels."""
    order: Literal["class", "stored"] = "class"
    """class: rows grouped by class, batches restart at every class; stored: the dataset's own order."""
    batch: int = Field(64, ge=1)
    """Rows per batch; a short last batch weighs as much as a full one."""
    by: str = ""
    """Column that groups rows where order is class; empty: the target."""


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The model with importances of `data.train` added; its weights are untouched."""
    rule = {name: getattr(params, name) for name in RULE}
    batches = row_batches(data.train, rule)
    warm_up(model, data.train, rule)
    with log.timed("intervention_seconds"):
        tensors = importances(model, data.train, rule, batches)
    return model.add_role("importance", tensors, describe(model, data.train, rule, len(batches)))


def importances(model: Model, split: Split, rule: Mapping[str, Any], batches: list[Tensor]) -> dict[str, Tensor]:
    """Importances by parameter name, over batches of row numbers, under the rule's mode and loss.

    Raises UserError when one of them is not finite or the split is empty.
    """
    inputs = split.tensor().to(model.device)
    objective: Objective
    if rule["loss"] == "ce":
        labels = split.tensor(split.info.target).to(model.device)
        objective, power = lambda logits, rows: row_losses(logits, labels[rows]), 2
    else:
        objective, power = lambda logits, rows: squared_logits(logits), 1
    gradients = batch_gradients if rule["mode"] == "batch" else row_gradients
    found = gradients(_module(model), inputs, batches, objective, power)
    for name, tensor in found.items():
        if not torch.isfinite(tensor).all():
            raise UserError(f"importance of '{name}' is not finite: the network's loss or its inputs overflow")
    return found


def row_batches(split: Split, rule: Mapping[str, Any]) -> list[Tensor]:
    """Row numbers of each batch under a rule: `class` restarts at every class, `stored` and `official` run on, and so
    does every order where the target is a number, so that there are no classes.

    `official` groups by class like `class`. Raises UserError for an empty split or an unknown column `by`.
    """
    if len(split) == 0:
        raise UserError(f"no rows in split '{split.name}' to compute importances of")
    if rule["order"] == "stored" or (split.info.regression and not rule["by"]):
        groups = [np.arange(len(split))]
    else:
        by = split[rule["by"]] if rule["by"] else split.y
        order = np.argsort(by, kind="stable")
        groups = [order]
        if rule["order"] == "class":
            groups = np.split(order, np.flatnonzero(by[order][1:] != by[order][:-1]) + 1)
    return [piece for group in groups for piece in torch.from_numpy(group).split(rule["batch"])]


def describe(model: Model, split: Split, rule: Mapping[str, Any], batches: int) -> dict[str, Any]:
    """The note stored with importances: rule, rows, batches, digests of the row list and of the weights."""
    rows = hashlib.blake2b("\n".join(split.ids.tolist()).encode(), digest_size=8).hexdigest()
    return {
        **rule,
        "rows": len(split),
        "rows_digest": rows,
        "batches": batches,
        "checkpoint": digest(_module(model)),
        "node": model.key,
    }


def warm_up(model: Model, split: Split, rule: Mapping[str, Any]) -> None:
    """One batch, so that first calls stay out of timings."""
    importances(model, split, rule, [torch.arange(min(len(split), rule["batch"]))])


def _module(model: Model) -> nn.Module:
    if not isinstance(model.system, nn.Module):
        raise UserError(f"importances need a torch module; {model.component} is none")
    return model.system
