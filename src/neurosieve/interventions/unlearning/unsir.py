"""UNSIR: noise that the model finds hardest for a class, then impair and repair.

Tarun et al., "Fast Yet Effective Machine Unlearning" (2023), as a baseline of Foster et al. 2024:
1. noise: `images` images N, from N(0, 1), maximise the loss of the forgotten class c by Adam on
   -CE(model(N), c) + penalty * mean over images of the sum of squares;
2. impair: one epoch of Adam, batch 32, on `copies` copies of N labelled c and up to `per_class` rows of each
   retained class;
3. repair: one epoch of Adam, batch 128, on those retained rows alone.
The network is in train mode while the noise is trained, so batch statistics are used and running ones move.
`preset: official` copies two slips of the authors' code: only the first three noise images are used, and what the
noise steps left in the weights' gradients enters the first impair step. Defined for one class (or part of one).
"""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.optim.loop import Loss, Recipe, columns_of, fit, generator, warm_up
from neurosieve.optim.losses import supervised

VIEWS = ("forget", "retain")
OFFICIAL_IMAGES = 3


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    preset: Literal["ours", "official"] = "ours"
    """official: the authors' code, slips included."""
    images: int = Field(32, ge=2)
    """Noise images."""
    noise_steps: int = Field(25, ge=1)
    """Adam steps on the noise (the authors': 25 for a class, 250 for part of one)."""
    noise_lr: float = Field(0.1, gt=0)
    """Learning rate of the noise."""
    penalty: float = Field(0.1, ge=0)
    """Weight of the noise's squared norm."""
    copies: int = Field(80, ge=1)
    """Copies of the noise in the impair step."""
    per_class: int = Field(500, ge=1)
    """Most rows of each retained class."""
    lr: float = Field(1e-4, gt=0)
    """Learning rate of Adam in impair and repair."""
    impair_batch: int = Field(32, ge=2)
    """Rows per impair step."""
    repair_batch: int = Field(128, ge=2)
    """Rows per repair step."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The impaired and repaired model. Logs the loss of noise, impair and repair.

    Raises UserError when the forget rows are of several classes (random forgetting), and where inputs or targets have
    no gradient or no classes.
    """
    data.info.require_classes("unlearning.unsir")
    label = forgotten_class(data.forget.y)
    inputs, labels = columns_of(data.retain, model.device)
    if not inputs.is_floating_point():
        raise UserError("unlearning.unsir learns inputs by their gradient; these are whole numbers (token ids)")
    system, masks = copy.deepcopy(model.system), model.role("mask")
    impair = Recipe(1, params.impair_batch, params.lr, "adam")
    repair = Recipe(1, params.repair_batch, params.lr, "adam")
    warm_up(system, (inputs, labels), supervised, impair)
    with log.timed("intervention_seconds"):
        draw = generator(seed, "unsir")
        start = torch.randn(params.images, *inputs.shape[1:], generator=draw).to(inputs)
        noise, steps = hardest_noise(system, start, label, params.noise_steps, params.noise_lr, params.penalty)
        loss = supervised
        if params.preset == "official":
            noise, loss = noise[:OFFICIAL_IMAGES], _with_leak(system)
        rows = capped_rows(labels, params.per_class, draw)
        kept = inputs[rows], labels[rows]
        mixed = noisy_columns(noise, label, params.copies, kept)
        impaired = fit(system, mixed, loss, impair, draw, masks)
        repaired = fit(system, kept, supervised, repair, draw, masks)
    log.step(phase="noise", loss=steps[-1]["loss"], lr=params.noise_lr)
    for phase, (row,) in (("impair", impaired), ("repair", repaired)):
        log.step(phase=phase, loss=row["loss"], lr=row["lr"])
    return model.with_(system=system)


def forgotten_class(labels: np.ndarray) -> int:
    """The one class of the forget rows. Raises UserError when there is none or are several."""
    found = np.unique(labels)
    if len(found) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    if len(found) > 1:
        raise UserError(
            f"unlearning.unsir is undefined for random forgetting: the forget rows are of {len(found)} classes"
        )
    return int(found[0])


def hardest_noise(
    module: nn.Module, start: Tensor, label: int, steps: int, lr: float, penalty: float, train: bool = True
) -> tuple[Tensor, list[dict[str, Any]]]:
    """Noise [images, ...] after `steps` Adam steps, and per step ce, penalty and loss before its update.

    The module's mode becomes train (or eval); its running statistics move in train mode and its parameters'
    gradients accumulate, as in the authors' code.
    """
    module.train(train)
    noise = start.clone().requires_grad_(True)
    labels = torch.full((len(noise),), label, device=noise.device)
    optimiser = torch.optim.Adam([noise], lr=lr)
    history = []
    for _ in range(steps):
        ce = F.cross_entropy(module(noise), labels)
        cost = penalty * noise.square().flatten(1).sum(dim=1).mean()
        optimiser.zero_grad()
        (cost - ce).backward()
        optimiser.step()
        history.append({"ce": ce.item(), "penalty": cost.item(), "loss": (cost - ce).item()})
    return noise.detach(), history


def noisy_columns(noise: Tensor, label: int, copies: int, kept: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Inputs and labels of the impair step: `copies` copies of the noise, all labelled `label`, then the kept rows."""
    repeated = noise.repeat(copies, *[1] * (noise.dim() - 1))
    labels = torch.full((len(repeated),), label, dtype=kept[1].dtype, device=kept[1].device)
    return torch.cat([repeated, kept[0]]), torch.cat([labels, kept[1]])


def capped_rows(labels: Tensor, per_class: int, draw: torch.Generator) -> Tensor:
    """Row numbers with at most `per_class` of every class, drawn where there are more."""
    shuffled = torch.randperm(len(labels), generator=draw)
    picked = [shuffled[labels[shuffled] == label][:per_class] for label in labels.unique()]
    return torch.cat(picked).sort().values


def _with_leak(module: nn.Module) -> Loss:
    """Cross-entropy whose first call also yields the gradients that lie in the module's parameters now."""
    leaked = [(p, p.grad.clone()) for p in module.parameters() if p.grad is not None]

    def loss(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
        value = supervised(network, inputs, labels)
        while leaked:
            parameter, gradient = leaked.pop()
            product = (parameter * gradient).sum()
            value = value + product - product.detach()  # adds the gradient, not a value
        return value

    return loss
