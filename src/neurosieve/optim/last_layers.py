"""Training the last layers of a trained network while those before stay bit by bit as they are.

The frozen layers are in eval mode and the rows do not change, so what they make of the rows is computed once, where it
fits into memory and the network runs them one after another before the rest; else they run again at every step.
"""

from __future__ import annotations

import copy
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.models.last_layers import cut, cut_off, freeze, outputs_of, reinitialise
from neurosieve.optim.loop import Hooks, Recipe, columns_of, fit, generator, warm_up
from neurosieve.optim.losses import supervised

HELD = 2**28
"""Bytes of the frozen layers' outputs that are held at most."""


def last_layers_trained(
    model: Model,
    split: Split,
    k: int,
    recipe: Recipe,
    orders: torch.Generator,
    log: Log,
    *,
    fresh: int | None = None,
) -> Model:
    """The model with its last `k` layers fitted to the rows of `split`, from fresh weights if a seed `fresh` is given.

    Logs one row per epoch and the CPU seconds as `intervention_seconds`. Raises UserError where k fits no cut.
    """
    inputs, labels = columns_of(split, model.device)
    system = copy.deepcopy(model.system).eval()
    frozen, trained = cut(system, k)
    needed = {name: p.requires_grad for name, p in system.named_parameters()}
    warm_up(system, (inputs, labels), supervised, recipe)
    with log.timed("intervention_seconds"):
        if fresh is not None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(generator(fresh, "fresh layers").initial_seed())
                reinitialise(trained)
        freeze(frozen)
        before = _frozen_outputs(system, frozen, inputs)

        def keep_frozen(_module: nn.Module, _step: int) -> None:
            freeze(frozen)  # fit puts the whole network into train mode

        with nullcontext() if before is None else cut_off(system, frozen):
            left = dict(system.named_parameters())
            history = fit(
                system, (inputs if before is None else before, labels), supervised, recipe, orders,
                {name: mask for name, mask in model.role("mask").items() if name in left},
                Hooks(before_step=keep_frozen), log.resume("layers"),
            )  # fmt: skip
    for name, p in system.named_parameters():
        p.requires_grad_(needed[name])
    for row in history:
        log.step(**row)
    return model.with_(system=system.eval())


def _frozen_outputs(system: nn.Module, frozen: list[nn.Module], inputs: Tensor) -> Tensor | None:
    """What the frozen pieces make of inputs [rows, ...], in eval mode; None where that cannot take their place."""
    if not frozen:
        return None
    first = inputs[:2]
    made = outputs_of(system, frozen[-1], first)
    if made.nbytes / len(first) * len(inputs) > HELD:
        return None
    with torch.no_grad(), cut_off(system, frozen):
        try:
            rest = system(made)
        except RuntimeError:  # its shape fits no layer but the one that follows
            return None
    with torch.no_grad():
        alike = torch.equal(rest, system(first))
    return outputs_of(system, frozen[-1], inputs) if alike else None
