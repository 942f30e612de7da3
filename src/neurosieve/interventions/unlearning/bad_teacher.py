"""Unlearning by a bad teacher: a randomly initialised network teaches the forget rows, the original the others.

Chundawat et al., "Can Bad Teaching Induce Forgetting?" (AAAI 2023), as a baseline of Foster et al. 2024: one epoch
of Adam, batch 256, on the forget rows and a random 30 % of the retained rows. Loss: KL(targets || softmax(student/T))
averaged over rows and classes, targets softmax(teacher/T) of the bad teacher for forget rows, of the original
(in eval mode) for retained ones. Their rate is 1e-4; small networks need 1e-3 (the default here).
"""

from __future__ import annotations

import copy

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.optim.loop import Recipe, fit, generator, warm_up
from neurosieve.optim.losses import divergence_per_element, mixed_targets
from neurosieve.optim.teachers import random_teacher

VIEWS = ("forget", "retain")
SLICE = 512
"""Rows per forward pass of the teachers."""


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    epochs: int = Field(1, ge=1)
    """Passes over forget rows and the drawn retained rows."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate of Adam (the authors': 1e-4)."""
    batch: int = Field(256, ge=2)
    """Rows per step."""
    share: float = Field(0.3, gt=0, le=1)
    """Share of the retained rows that is drawn."""
    temperature: float = Field(1.0, gt=0)
    """T of the softmaxes."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The student after teaching. Logs one row per epoch."""
    if len(data.forget) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    data.info.require_classes("unlearning.bad_teacher")
    forget, retain = (part.tensor().to(model.device) for part in (data.forget, data.retain))
    bad = random_teacher(model, seed)
    recipe = Recipe(params.epochs, params.batch, params.lr, "adam")
    student = copy.deepcopy(model.system)

    def loss(module: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        return divergence_per_element(module(inputs), targets, params.temperature)

    sample = retain[:8]
    warm_up(student, (sample, torch.softmax(_logits(bad, sample), dim=1)), loss, recipe)
    with log.timed("intervention_seconds"):
        count = max(1, round(params.share * len(retain)))
        drawn = torch.randperm(len(retain), generator=generator(seed, "bad teacher rows"))[:count]
        inputs = torch.cat([forget, retain[drawn]])
        flag = torch.arange(len(inputs), device=inputs.device) < len(forget)
        good = copy.deepcopy(model.system).eval()
        targets = mixed_targets(flag, _logits(bad, inputs), _logits(good, inputs), params.temperature)
        order = generator(seed, "bad teacher order")
        resume = log.resume("student")
        history = fit(student, (inputs, targets), loss, recipe, order, model.role("mask"), resume=resume)
    for row in history:
        log.step(**row)
    return model.with_(system=student)


def _logits(module: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([module(piece) for piece in inputs.split(SLICE)])
