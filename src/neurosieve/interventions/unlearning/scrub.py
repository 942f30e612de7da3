"""SCRUB: away from the original on the forget rows, close to it on the retained ones.

Kurmanji, Triantafillou, Hayes, Triantafillou (NeurIPS 2023), as in the benchmark of Goel et al. 2024: the loss of a
batch is CE + a T^2 KL(original || student), T = 4. Each epoch that begins before `ascent_steps` steps are made has a
pass over the forget rows with the whole loss negated, then every epoch one over the retained rows; optimiser and
schedule are shared. `variant: original` ascends on the KL alone, without cross-entropy and weight, as SCRUB's own
code does.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.resume import Resume
from neurosieve.errors import UserError
from neurosieve.kernels.layout import lay_out
from neurosieve.models.masked import apply_masks
from neurosieve.optim.loop import Recipe, columns_of, generator, warm_up
from neurosieve.optim.losses import distilled, supervised
from neurosieve.optim.schedules import warmup_shifted

VIEWS = ("forget", "retain")
SLICE = 512
"""Rows per forward pass of the teacher."""


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    variant: Literal["benchmark", "original"] = "benchmark"
    """benchmark: the whole loss is negated on forget rows; original: minus the KL alone."""
    a: float = Field(0.1, ge=0)
    """Weight of the KL."""
    temperature: float = Field(4.0, gt=0)
    """T of the softmaxes."""
    epochs: int = Field(2, ge=1)
    """Passes over the retained rows."""
    ascent_steps: int = Field(1, ge=0)
    """An epoch that begins before this many steps has an ascent pass (the benchmark's: 100); 1: the first alone."""
    lr: float = Field(0.002, gt=0)
    """Base learning rate of SGD."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD."""
    weight_decay: float = Field(5e-4, ge=0)
    """L2 penalty."""
    batch: int = Field(128, ge=2)
    """Rows per step."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The student. Logs per pass its epoch, whether it ascends, and its mean loss."""
    if len(data.forget) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    data.info.require_classes("unlearning.scrub")
    parts = {"forget": columns_of(data.forget, model.device), "retain": columns_of(data.retain, model.device)}
    student, teacher = copy.deepcopy(model.system), copy.deepcopy(model.system).eval()
    recipe = Recipe(params.epochs, params.batch, params.lr, "sgd", params.momentum, params.weight_decay)
    warm_up(student, parts["retain"], supervised, recipe)
    with log.timed("intervention_seconds"):
        lay_out(teacher, torch.channels_last)
        taught = {name: (*columns, _outputs(teacher, columns[0])) for name, columns in parts.items()}
        draws = generator(seed, "scrub order")
        history = _fit(student, taught, params, draws, model.role("mask"), log.resume("scrub"))
    for row in history:
        log.step(**row)
    return model.with_(system=student)


def _fit(
    student: nn.Module, parts: Mapping[str, tuple[Tensor, ...]], params: Params, draws: torch.Generator,
    masks: Mapping[str, Tensor], resume: Resume,
) -> list[dict[str, Any]]:  # fmt: skip
    """Fit the student in place to inputs, labels and teacher's logits of both parts; one row per pass."""
    plan = passes(params, {name: len(columns[0]) for name, columns in parts.items()})
    rates = warmup_shifted(len(plan) // 100)
    lay_out(student.train(), torch.channels_last)
    settings = {"lr": params.lr, "momentum": params.momentum, "weight_decay": params.weight_decay}
    optimiser = torch.optim.SGD(student.parameters(), **settings)
    live = {"module": student, "optimiser": optimiser, "draws": draws}
    at = resume.start({**live, "step": 0, "order": None, "losses": [], "history": []})
    for step in range(at["step"], len(plan)):
        epoch, part, rows, last = plan[step]
        ascent = part == "forget"
        if rows.start == 0:
            at["order"], at["losses"] = torch.randperm(len(parts[part][0]), generator=draws), []
        inputs, labels, teacher = (column[at["order"][rows]] for column in parts[part])
        optimiser.param_groups[0]["lr"] = params.lr * rates(step, len(plan))
        value = loss(_logits(student, inputs), teacher, labels, params, ascent)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        apply_masks(student, masks)
        at["losses"].append(value.item())
        if last:
            mean = sum(at["losses"]) / len(at["losses"])
            at["history"].append({"epoch": epoch, "ascent": ascent, "loss": mean})
        at["step"] = step + 1
        resume.keep(at, done=step + 1 == len(plan))
    lay_out(student.eval(), torch.contiguous_format)
    return at["history"]


def loss(student: Tensor, teacher: Tensor, labels: Tensor, params: Params, ascent: bool) -> Tensor:
    """The batch's loss from logits [rows, classes] and labels [rows]; negated where the pass ascends."""
    divergence = distilled(student, teacher, params.temperature)
    if ascent and params.variant == "original":
        return -divergence
    value = F.cross_entropy(student, labels) + params.a * divergence
    return -value if ascent else value


def passes(params: Params, rows: Mapping[str, int]) -> list[tuple[int, str, slice, bool]]:
    """Every step: epoch (from 1), part, its places in the part's order, and whether it is the last of its pass.

    An epoch begun before `ascent_steps` steps are made starts with a pass over the forget rows.
    """
    plan: list[tuple[int, str, slice, bool]] = []
    for epoch in range(1, params.epochs + 1):
        for part in ["forget", "retain"] if len(plan) < params.ascent_steps else ["retain"]:
            starts = range(0, rows[part], params.batch)
            plan += [(epoch, part, slice(at, at + params.batch), at == starts[-1]) for at in starts]
    return plan


def _outputs(module: nn.Module, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([module(piece) for piece in inputs.split(SLICE)])


def _logits(module: nn.Module, inputs: Tensor) -> Tensor:
    """One row alone has no batch statistics: it is shown twice, and counts once."""
    return module(inputs) if len(inputs) > 1 else module(inputs.repeat(2, *[1] * (inputs.dim() - 1)))[:1]
