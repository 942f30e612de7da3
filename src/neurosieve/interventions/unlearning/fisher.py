"""Fisher forgetting: noise on every weight, in inverse proportion to how much the retained rows need it.

Golatkar, Achille, Soatto, "Eternal Sunshine of the Spotless Net" (CVPR 2020), as a baseline of Foster et al. 2024.
F = mean over retained rows of sum_y p(y|x) (gradient of -log p(y|x))^2, in eval mode. Variance of a tensor's noise:
1 / (F + 1e-8), at most 1e3 (1e2 where the first dimension is the number of classes), times 1e-6, averaged over
dimension 1 where there is one, times 10 for the last layer and for tensors of one dimension. theta + sqrt(v) N(0, 1).
Where a whole class is forgotten, its row of the last layer has mean 0 and variance 1e-4.
`preset: official` follows the authors' code: for a whole class every tensor whose first dimension is the number of
classes counts as last layer and the times 10 comes after the 1e-4; otherwise the last matrix gets no times 10.
"""

from __future__ import annotations

import copy
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels.fisher import row_gradients
from neurosieve.models.masked import apply_masks
from neurosieve.optim.loop import generator

VIEWS = ("forget", "retain")
SLICE = 50
"""Rows per backward pass (per-row gradients of all of them are held at once)."""


class Params(BaseModel):
    """Strength, and the rows that F is estimated from."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    preset: Literal["ours", "official"] = "ours"
    """official: the authors' code where it departs from their text."""
    rows: int | None = Field(300, ge=1)
    """Retained rows that F is estimated from, drawn at random; null: all (rows x classes backward passes)."""
    scale: float = Field(1e-6, gt=0)
    """Factor on the inverse of F."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model with noise added. Logs per tensor the mean and the largest standard deviation."""
    if len(data.forget) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    data.info.require_classes("unlearning.fisher")
    inputs, labels = data.retain.tensor().to(model.device), set(data.forget.y.tolist())
    whole = len(labels) == 1 and not labels & set(data.retain.y.tolist())
    classes = int(model.schema["classes"])
    fisher_information(model.system, inputs[:2], classes)
    with log.timed("intervention_seconds"):
        drawn = torch.randperm(len(inputs), generator=generator(seed, "fisher rows"))[: params.rows]
        found = fisher_information(model.system, inputs[drawn], classes)
        system = copy.deepcopy(model.system)
        means, deviations = noise_of(
            system, found, classes, labels.pop() if whole else None, params.scale, params.preset
        )
        source = generator(seed, "fisher noise")
        with torch.no_grad():
            for name, p in system.named_parameters():
                p.copy_(means[name] + deviations[name] * torch.randn(p.shape, generator=source).to(p))
        apply_masks(system, model.role("mask"))
    for name, deviation in deviations.items():
        log.step(layer=name, mean_deviation=float(deviation.mean()), largest_deviation=float(deviation.max()))
    return model.with_(system=system)


def fisher_information(module: nn.Module, inputs: Tensor, classes: int) -> dict[str, Tensor]:
    """F by parameter name: mean over rows of the model's own expectation of squared gradients."""
    batches = list(torch.arange(len(inputs)).split(SLICE))
    total: dict[str, Tensor] = {}
    for label in range(classes):

        def weighted(logits: Tensor, _rows: Tensor, label: int = label) -> Tensor:
            logs = logits.log_softmax(dim=1)[:, label]
            return -logs.detach().exp().sqrt() * logs  # the square of the gradient carries the weight p

        for name, part in row_gradients(module, inputs, batches, weighted).items():
            total[name] = total[name] + part if name in total else part
    return total


def noise_of(
    module: nn.Module,
    fisher: dict[str, Tensor],
    classes: int,
    forgotten: int | None,
    scale: float,
    preset: Literal["ours", "official"],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Means and standard deviations of the new weights by parameter name; `forgotten` is a whole class or None."""
    last = _last_layer(module, classes)
    means, deviations = {}, {}
    for name, p in module.named_parameters():
        variance = (1.0 / (fisher[name] + 1e-8)).clamp(max=1e3)
        sized = p.shape[0] == classes
        if sized:
            variance = variance.clamp(max=1e2)
        variance = scale * variance
        if p.dim() > 1:
            variance = variance.mean(dim=1, keepdim=True).expand_as(p).clone()
        mean, official = p.detach().clone(), preset == "official"
        is_last = (sized and forgotten is not None) if official else name in last
        factor = 10.0 if is_last or p.dim() == 1 else 1.0
        if not official:
            variance *= factor
        if is_last and forgotten is not None:
            mean[forgotten], variance[forgotten] = 0.0, 1e-4
        if official:
            variance *= factor
        means[name], deviations[name] = mean, variance.sqrt()
    return means, deviations


def _last_layer(module: nn.Module, classes: int) -> set[str]:
    """Names of the parameters of the last layer that has one output per class."""
    layers = [
        [f"{prefix}.{name}" if prefix else name for name, _ in layer.named_parameters(recurse=False)]
        for prefix, layer in module.named_modules()
        if any(p.shape[0] == classes and p.dim() > 1 for p in layer.parameters(recurse=False))
    ]
    return set(layers[-1]) if layers else set()
