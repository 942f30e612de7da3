"""Global magnitude pruning: the weights of smallest absolute value over all layers are set to 0 (Han et al. 2015).

Exact count, stable at ties (the first in layer order go first); maskable are tensors of 2 or 4 dimensions. Weights
pruned before stay pruned and count: sparsity is the share of zeros among all maskable weights. Masks are stored under
the role `mask`; the history holds one row per layer (elements, pruned, kept).
"""

from __future__ import annotations

import copy
import itertools
import warnings

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels.select import first_smallest
from neurosieve.models.masked import apply_masks, maskable


class Params(BaseModel):
    """How much."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    sparsity: float = Field(0.9, ge=0, lt=1)
    """Share of all maskable weights that are 0 afterwards."""
    keep_per_layer: int = Field(0, ge=0)
    """Weights that every layer keeps at least (its largest); 0 lets a layer become empty."""


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The pruned model with its masks; the note lists layers left empty and whether outputs became constant."""
    before = model.role("mask")
    with log.timed("intervention_seconds"):
        system = copy.deepcopy(model.system)
        masks = smallest_k(maskable(system), params.sparsity, before, params.keep_per_layer)
        apply_masks(system, masks)
    for name, mask in masks.items():
        kept = int(mask.sum())
        log.step(layer=name, elements=mask.numel(), pruned=mask.numel() - kept, kept=kept)
    empty = [name for name, mask in masks.items() if not mask.any()]
    constant = bool(empty) and constant_outputs(system, data.train.tensor()[:64].to(model.device))
    if empty:
        what = "; the network's output no longer depends on its input" if constant else ""
        warnings.warn(
            f"pruning to {params.sparsity:.0%} left {len(empty)} layers without a weight: {', '.join(empty)}{what};"
            " set keep_per_layer or a lower sparsity",
            stacklevel=2,
        )
    note = {"sparsity": params.sparsity, "layers_empty": empty, "constant_outputs": constant}
    return model.with_(system=system).add_role("mask", masks, note)


def smallest_k(
    weights: dict[str, Tensor], sparsity: float, before: dict[str, Tensor], keep_per_layer: int
) -> dict[str, Tensor]:
    """Masks (True = kept) that prune exactly round(sparsity * total) weights of smallest magnitude.

    Raises UserError when more are pruned already, or when the kept minimum per layer leaves too few to prune.
    """
    sizes = [w.numel() for w in weights.values()]
    scores = np.concatenate([_score(w, before.get(name)) for name, w in weights.items()])
    wanted, already = round(sparsity * len(scores)), int((scores < 0).sum())
    if wanted < already:
        raise UserError(
            f"pruning.magnitude: {already / len(scores):.4f} of the weights are pruned already, more than the"
            f" sparsity {sparsity} asked for"
        )
    borders = np.cumsum([0, *sizes])
    if keep_per_layer:
        for start, stop in itertools.pairwise(borders):
            layer = scores[start:stop]
            alive = np.argsort(-layer, kind="stable")[:keep_per_layer]
            layer[alive[layer[alive] >= 0]] = np.inf
    if wanted > int(np.isfinite(scores).sum()):
        raise UserError(
            f"pruning.magnitude: sparsity {sparsity} and keep_per_layer {keep_per_layer} contradict each other"
        )
    kept = np.ones(len(scores), bool)
    kept[first_smallest(scores, wanted)] = False
    pieces = np.split(kept, borders[1:-1])
    return {
        name: torch.from_numpy(piece.copy()).view(w.shape).to(w.device)
        for (name, w), piece in zip(weights.items(), pieces, strict=True)
    }


def constant_outputs(module: nn.Module, inputs: Tensor) -> bool:
    """Whether all rows get the same output."""
    with torch.inference_mode():
        outputs = copy.deepcopy(module).eval()(inputs)
    return bool((outputs == outputs[:1]).all())


def _score(weight: Tensor, mask: Tensor | None) -> np.ndarray:
    """Magnitudes [elements]; -1 where the weight was pruned before."""
    magnitude = weight.detach().abs()
    if mask is not None:
        magnitude = magnitude.masked_fill(~mask, -1.0)
    return magnitude.reshape(-1).cpu().numpy().copy()
