"""Selective synaptic dampening: forget rows without retraining and without retained data.

Foster, Schoepf, Brintrup, "Fast Machine Unlearning Without Retraining Through Selective Synaptic Dampening" (AAAI
2024, arXiv 2308.07707), equations 2 to 4. With I the stored importance over all training rows and I_f the same over
the forget rows, every parameter with I_f > alpha * I (strict) is multiplied by min(lambda * I / I_f, 1). No gradient
step; buffers (BatchNorm statistics) are not touched. Smaller alpha and lambda forget more.

The stored importance comes from the step before or from a model named by `with:`; the forget rows are batched by
the rule stored with it. If batches are pure in class, alpha at or above B / B_f (batches of all rows over batches of
forget rows) selects nothing. The history holds one row per parameter tensor: elements, selected, mean and smallest
factor beta (of the selected ones).
"""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.interventions.analysis.importance import RULE, importances, row_batches, warm_up
from neurosieve.kernels.dampen import dampen
from neurosieve.models.state import assign, digest, flat

VIEWS = ("forget",)


class Params(BaseModel):
    """Strength, and (optionally) what the stored importance must be."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    alpha: float = Field(10.0, gt=0)
    """A parameter is selected where its importance for the forget rows exceeds alpha times that for all rows."""
    lambda_: float = Field(1.0, gt=0, alias="lambda")
    """Selected parameters are multiplied by min(lambda * ratio of importances, 1)."""
    zero: bool = False
    """True: selected parameters are set to 0 instead (an ablation)."""
    mode: Literal["batch", "per_sample"] | None = None
    """Refuse an importance of another mode; left out: take the stored one's."""
    loss: Literal["ce", "logit_norm"] | None = None
    """Refuse an importance of another loss."""
    order: Literal["class", "stored", "official"] | None = None
    """Refuse an importance of another batch order."""
    batch: int | None = Field(None, ge=1)
    """Refuse an importance of another batch size."""


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The dampened model; masks stay with it, the importance does not (it belongs to the old weights).

    Raises UserError when the forget set is empty, no importance is stored, or it does not belong to this model.
    """
    if len(data.forget) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    stored, note = stored_importance(model)
    check(note, model, params)
    rule = {name: note[name] for name in RULE}
    warm_up(model, data.forget, rule)
    dampened(model.system, stored, stored, params)
    with log.timed("intervention_seconds"):
        forget = importances(model, data.forget, rule, row_batches(data.forget, rule))
        system, table = dampened(model.system, stored, forget, params)
    for row in table:
        log.step(**row)
    tensors = {name: t for name, t in model.tensors.items() if not name.startswith("importance.")}
    notes = {name: n for name, n in model.notes.items() if name != "importance"}
    return model.with_(system=system, tensors=tensors, notes=notes)


def dampened(
    module: nn.Module, stored: dict[str, Tensor], forget: dict[str, Tensor], params: Params
) -> tuple[nn.Module, list[dict[str, Any]]]:
    """A dampened copy of the network, and per parameter tensor {layer, elements, selected, mean_beta, min_beta}.

    Both importances hold every named parameter. Raises UserError when one is missing, misshapen or not finite.
    """
    work, table = copy.deepcopy(module), []
    for name, p in work.named_parameters():
        theta = flat([p])
        full, part = (_vector(importance, name, p) for importance in (stored, forget))
        counted = dampen(theta, full, part, params.alpha, params.lambda_, params.zero, np.array([0, theta.size]))
        assign([p], theta)
        count, beta_sum, beta_min = (values[0] for values in counted)
        row: dict[str, Any] = {"layer": name, "elements": p.numel(), "selected": int(count)}
        row["mean_beta"], row["min_beta"] = (float(beta_sum / count), float(beta_min)) if count else (None, None)
        table.append(row)
    return work, table


def stored_importance(model: Model) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Importances and their note, of a model named by `with:` or of the model itself."""
    for holder in (*model.companions, model):
        tensors = holder.role("importance")
        if tensors and "importance" in holder.notes:
            return tensors, holder.notes["importance"]
    raise UserError(
        "unlearning.ssd finds no stored importance: add `with: [importance]`, a variant made by analysis.importance"
        " from the same model"
    )


def check(note: dict[str, Any], model: Model, params: Params) -> None:
    """Raise UserError, naming both values, where the stored importance is not the one wanted."""
    here = digest(model.system)
    if note["checkpoint"] != here:
        raise UserError(
            f"the importance was computed for checkpoint {note['checkpoint']} ({note['node'] or 'no node'}),"
            f" this model is {here} ({model.key or 'no node'}); recompute it from this model"
        )
    for name in RULE:
        wanted = getattr(params, name, None)
        if wanted is not None and wanted != note[name]:
            raise UserError(
                f"the importance was computed with {name} {note[name]}, unlearning.ssd asks for {name} {wanted};"
                " importances computed differently cannot be compared"
            )


def _vector(importance: dict[str, Tensor], name: str, p: Tensor) -> np.ndarray:
    """The importance of one parameter as a vector in the parameter's order."""
    if name not in importance or importance[name].shape != p.shape:
        raise UserError(f"the importance has no tensor '{name}' of shape {list(p.shape)}; recompute it")
    vector = importance[name].detach().to("cpu").reshape(-1).numpy()
    if not np.isfinite(vector).all():
        raise UserError(f"the importance of '{name}' is not finite; recompute it")
    return vector
