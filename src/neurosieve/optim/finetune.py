"""Training a trained model on: a copy is fitted to some rows; what was pruned stays 0."""

from __future__ import annotations

import copy

import torch

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.loop import Recipe, columns_of, fit, warm_up
from neurosieve.optim.losses import supervised


def trained_on(
    model: Model, split: Split, recipe: Recipe, orders: torch.Generator, log: Log, metric: str = "intervention_seconds"
) -> Model:
    """The model with its network fitted to the rows of `split` by mean cross-entropy; the one given is not changed.

    `orders` draws the row orders. Masks are enforced after every step. Logs one row per epoch (epoch, mean loss in
    nats, learning rate) and the CPU seconds of the fit as `metric`.
    """
    columns = columns_of(split, model.device)
    system = copy.deepcopy(model.system)
    warm_up(system, columns, supervised, recipe)
    with log.timed(metric):
        history = fit(system, columns, supervised, recipe, orders, model.role("mask"), resume=log.resume("finetune"))
    for row in history:
        log.step(**row)
    return model.with_(system=system)
