"""The one optimisation loop: optimiser, schedule, batch order, masks and hooks.

Used by trainings and by interventions that train on. Everything drawn comes from the generator handed in; results
are equal bit by bit for equal inputs on one thread, also where a fit was ended in between and resumed.
"""

from __future__ import annotations

import copy
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.resume import Resume
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
    """What happens around the steps: before a step's gradient, after its update, after an epoch (with its row).

    `state` names what hooks and loss change or draw from as they go on (generators, modules, optimisers), so that a
    resumed fit finds it as it was.
    """

    before_step: Hook | None = None
    after_step: Hook | None = None
    after_epoch: Callable[[nn.Module, dict[str, float]], None] | None = None
    state: Mapping[str, Any] = field(default_factory=dict)


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
    resume: Resume | None = None,
) -> list[dict[str, float]]:
    """Fit `module` in place, in train mode, and leave it in eval mode and contiguous.

    `columns` are tensors [rows, ...] that are cut into batches alike and passed to `loss(module, *batch)`. Row
    orders are drawn anew per epoch from a generator, or given, one [rows] per epoch. `masks` (True = kept) are
    enforced after every step, so that momentum and weight decay cannot revive a pruned weight. With `resume` the fit
    keeps its state between two steps and goes on from what an ended job kept. Returns one row per epoch: epoch
    (from 1), mean loss over its batches, learning rate at its end.
    """
    hooks, masks, rows = hooks or Hooks(), dict(masks or {}), len(columns[0])
    cuts = _cuts(rows, recipe.batch)
    total = recipe.epochs * len(cuts)
    lay_out(module.train(), torch.channels_last)
    optimiser = _optimiser(module, recipe)
    apply_masks(module, masks)
    losses = torch.zeros(len(cuts), dtype=torch.float64, device=columns[0].device)
    at = _start(module, optimiser, orders, hooks, losses, resume)
    following = _orders(orders, rows, recipe.epochs, used=-(-at["step"] // len(cuts)))
    for step in range(at["step"], total):
        epoch, place = divmod(step, len(cuts))
        if place == 0:
            at["order"] = next(following)
        batch = [column[at["order"][slice(*cuts[place])]] for column in columns]
        _set_rate(optimiser, recipe.lr * recipe.schedule(step, total))
        if hooks.before_step:
            hooks.before_step(module, step)
        at["losses"][place] = _step(module, batch, loss, optimiser)
        apply_masks(module, masks)
        if hooks.after_step:
            hooks.after_step(module, step)
        at["step"] = step + 1
        if place == len(cuts) - 1:
            _end_epoch(module, hooks, at, epoch + 1, optimiser.param_groups[0]["lr"])
        if resume:
            resume.keep(at, done=step + 1 == total)
    lay_out(module.eval(), torch.contiguous_format)
    return at["history"]


def warm_up(module: nn.Module, columns: Sequence[Tensor], loss: Loss, recipe: Recipe) -> None:
    """One step on a copy, so that what a process pays once (imports, first calls) stays out of timings."""
    first = [column[: max(2, min(len(column), recipe.batch))] for column in columns]
    once = Recipe(1, recipe.batch, recipe.lr, recipe.optimiser, recipe.momentum, recipe.weight_decay)
    fit(copy.deepcopy(module), first, loss, once, [torch.arange(len(first[0]))])


def _cuts(rows: int, batch: int) -> list[tuple[int, int]]:
    """Borders of the batches; a last batch of one row joins the one before (BatchNorm has no variance of one row)."""
    if not rows:
        raise ValueError("no rows to fit to")
    borders = [*range(0, rows, batch), rows]
    if len(borders) > 2 and borders[-1] - borders[-2] == 1:
        del borders[-2]
    return list(itertools.pairwise(borders))


def _start(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    orders: torch.Generator | Iterable[Tensor],
    hooks: Hooks,
    losses: Tensor,
    resume: Resume | None,
) -> dict[str, Any]:
    """Where the fit stands: at its start, or where an ended job kept it."""
    draws = orders if isinstance(orders, torch.Generator) else None
    live = {"module": module, "optimiser": optimiser, "draws": draws, "hooks": dict(hooks.state)}
    at = {**live, "step": 0, "order": None, "losses": losses, "history": []}
    return resume.start(at) if resume else at


def _end_epoch(module: nn.Module, hooks: Hooks, at: dict[str, Any], epoch: int, lr: float) -> None:
    at["history"].append({"epoch": epoch, "loss": float(at["losses"].mean()), "lr": lr})
    if hooks.after_epoch:
        hooks.after_epoch(module, at["history"][-1])


def _orders(orders: torch.Generator | Iterable[Tensor], rows: int, epochs: int, used: int) -> Iterator[Tensor]:
    """Row orders of the epochs to come, without those that a kept state has used. Raises ValueError at the last."""
    if isinstance(orders, torch.Generator):
        while True:
            yield torch.randperm(rows, generator=orders)
    else:
        number = 0
        for number, order in enumerate(orders, 1):
            if number > used:
                yield order
        raise ValueError(f"{epochs} epochs wanted, but only {number} row orders given")


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
