"""The one optimisation loop: optimiser, schedule, batch order, masks and hooks.

Used by trainings and by interventions that train on. Everything drawn comes from the generator handed in; results
are equal bit by bit for equal inputs on one thread.
"""

from __future__ import annotations

import copy
import itertools
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurosieve.artifacts.dataset import Split
from neurosieve.kernels.layout import lay_out
from neurosieve.models.masked import apply_masks
from neurosieve.optim.schedules import Schedule, constant

Loss = Callable[..., Tensor]
"""Network and the columns of a batch -> scalar loss."""
Hook = Callable[[nn.Module, int], None]
"""Called with the network and the step's number (from 0)."""


@dataclass(frozen=True)
class Recipe:
    """How to fit: epochs, rows per batch, and the optimiser with its schedule (a factor on `lr` per step)."""

    epochs: int
    batch: int
    lr: float
    optimiser: Literal["sgd", "adam"] = "sgd"
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = constant


@dataclass(frozen=True)
class Hooks:
    """What happens around the steps: before a step's gradient, after its update, after an epoch (with its row)."""

    before_step: Hook | None = None
    after_step: Hook | None = None
    after_epoch: Callable[[nn.Module, dict[str, float]], None] | None = None


def columns_of(split: Split, device: str = "cpu") -> tuple[Tensor, Tensor]:
    """Inputs [rows, ...] and labels [rows] of a split, as tensors on the device."""
    return split.tensor().to(device), split.tensor(split.info.target).to(device)


def generator(seed: int, purpose: str) -> torch.Generator:
    """A generator for one purpose: two purposes under one seed draw independently of each other."""
    words = np.random.SeedSequence([seed, zlib.crc32(purpose.encode())]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0]) >> 1)


def fit(
    module: nn.Module,
    columns: Sequence[Tensor],
    loss: Loss,
    recipe: Recipe,
    orders: torch.Generator | Iterable[Tensor],
    masks: Mapping[str, Tensor] | None = None,
    hooks: Hooks | None = None,
) -> list[dict[str, float]]:
    """Fit `module` in place, in train mode, and leave it in eval mode and contiguous.

    `columns` are tensors [rows, ...] that are cut into batches alike and passed to `loss(module, *batch)`. Row
    orders are drawn anew per epoch from a generator, or given, one [rows] per epoch. `masks` (True = kept) are
    enforced after every step, so that momentum and weight decay cannot revive a pruned weight. Returns one row
    per epoch: epoch (from 1), mean loss over its batches, learning rate at its end.
    """
    hooks, masks, rows = hooks or Hooks(), dict(masks or {}), len(columns[0])
    cuts = _cuts(rows, recipe.batch)
    total = recipe.epochs * len(cuts)
    lay_out(module.train(), torch.channels_last)
    optimiser = _optimiser(module, recipe)
    apply_masks(module, masks)
    history, step = [], 0
    for epoch, order in zip(range(1, recipe.epochs + 1), _orders(orders, rows), strict=False):
        losses = []
        for start, stop in cuts:
            batch = [column[order[start:stop]] for column in columns]
            _set_rate(optimiser, recipe.lr * recipe.schedule(step, total))
            if hooks.before_step:
                hooks.before_step(module, step)
            losses.append(_step(module, batch, loss, optimiser))
            apply_masks(module, masks)
            if hooks.after_step:
                hooks.after_step(module, step)
            step += 1
        mean, lr = float(torch.stack(losses).double().mean()), optimiser.param_groups[0]["lr"]
        history.append({"epoch": epoch, "loss": mean, "lr": lr})
        if hooks.after_epoch:
            hooks.after_epoch(module, history[-1])
    lay_out(module.eval(), torch.contiguous_format)
    if len(history) < recipe.epochs:
        raise ValueError(f"{recipe.epochs} epochs wanted, but only {len(history)} row orders given")
    return history


def warm_up(module: nn.Module, columns: Sequence[Tensor], loss: Loss, recipe: Recipe) -> None:
    """One step on a copy, so that what a process pays once (imports, first calls) stays out of timings."""
    first = [column[: max(2, min(len(column), recipe.batch))] for column in columns]
    once = Recipe(1, recipe.batch, recipe.lr, recipe.optimiser, recipe.momentum, recipe.weight_decay)
    fit(copy.deepcopy(module), first, loss, once, [torch.arange(len(first[0]))])


def _cuts(rows: int, batch: int) -> list[tuple[int, int]]:
    """Borders of the batches; a last batch of one row joins the one before (BatchNorm has no variance of one row)."""
    borders = [*range(0, rows, batch), rows]
    if len(borders) > 2 and borders[-1] - borders[-2] == 1:
        del borders[-2]
    return list(itertools.pairwise(borders))


def _orders(orders: torch.Generator | Iterable[Tensor], rows: int) -> Iterable[Tensor]:
    if isinstance(orders, torch.Generator):
        while True:
            yield torch.randperm(rows, generator=orders)
    else:
        yield from orders


def _optimiser(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = [p for p in module.parameters() if p.requires_grad]
    if recipe.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    return torch.optim.SGD(parameters, lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)


def _step(module: nn.Module, batch: list[Tensor], loss: Loss, optimiser: torch.optim.Optimizer) -> Tensor:
    optimiser.zero_grad()
    value = loss(module, *batch)
    value.backward()
    optimiser.step()
    return value.detach()


def _set_rate(optimiser: torch.optim.Optimizer, lr: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = lr
