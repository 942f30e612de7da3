"""Supervised training by backpropagation: mean cross-entropy, SGD with momentum (or Adam), warm-up and linear decay.

Defaults are the recipe of the study `ssd` for its small residual network: SGD 0.05, momentum 0.9, weight decay
5e-4, batch 128, 10 epochs, 20 steps of warm-up, then lr * (1 - t / (1.25 T)).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.loop import Hooks, Recipe, columns_of, fit, generator, warm_up
from neurosieve.optim.losses import supervised
from neurosieve.optim.schedules import warmup_linear, warmup_shifted

DECAYS = {"from_start": warmup_linear, "after_warmup": warmup_shifted}


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    epochs: int = Field(10, ge=1)
    """Passes over the training rows."""
    batch: int = Field(128, ge=2)
    """Rows per step."""
    optimiser: Literal["sgd", "adam"] = "sgd"
    """sgd (with momentum) or adam (default betas)."""
    lr: float = Field(0.05, gt=0)
    """Base learning rate."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD."""
    weight_decay: float = Field(5e-4, ge=0)
    """L2 penalty added to the gradient of every parameter."""
    warmup: int = Field(20, ge=0)
    """Steps over which the rate rises linearly."""
    stretch: float = Field(1.25, ge=1)
    """The rate falls as 1 - t / (stretch * total steps)."""
    decay: Literal["from_start", "after_warmup"] = "from_start"
    """What t counts from: the first step, the rise laid over the fall, or (Goel et al. 2024) the end of the warm-up."""
    checkpoints: tuple[int, ...] = ()
    """Epochs after which the model is kept, as e<k>."""

    @model_validator(mode="after")
    def _checkpoints_exist(self) -> Params:
        beyond = [k for k in self.checkpoints if not 1 <= k <= self.epochs]
        if beyond:
            raise ValueError(f"checkpoint after epoch {beyond[0]}, but epochs run from 1 to {self.epochs}")
        return self


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """Fit the model's network, in place, on the training split; it is in eval mode afterwards.

    Logs one row per epoch (epoch, mean loss in nats, learning rate) and the CPU seconds of the fit.
    """
    columns = columns_of(data.train, model.device)
    recipe = Recipe(
        params.epochs,
        params.batch,
        params.lr,
        params.optimiser,
        params.momentum,
        params.weight_decay,
        DECAYS[params.decay](params.warmup, params.stretch),
    )

    def after_epoch(module: nn.Module, row: dict[str, float]) -> None:
        log.step(**row)
        if row["epoch"] in params.checkpoints:
            log.checkpoint(f"e{row['epoch']}", model)

    warm_up(model.system, columns, supervised, recipe)
    with log.timed("train_seconds"):
        fit(
            model.system,
            columns,
            supervised,
            recipe,
            generator(seed, "batch order"),
            model.role("mask"),
            Hooks(after_epoch=after_epoch),
            log.resume("backprop"),
        )
    return model
