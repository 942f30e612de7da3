"""A short fine-tuning on all training rows, which restores most of what pruning cost; what was pruned stays 0.

SGD with momentum at a rate that falls linearly, as in one round of iterative pruning (Han et al. 2015). It reads all
training rows, so it belongs before any request to forget; after one, `adaptation.finetune_retained` reads the
retained rows alone. Its CPU seconds count as training (`train_seconds`): they are not spent on a request.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.finetune import trained_on
from neurosieve.optim.loop import Recipe, generator
from neurosieve.optim.schedules import warmup_linear


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    epochs: int = Field(3, ge=1)
    """Passes over the rows."""
    batch: int = Field(128, ge=2)
    """Rows per step."""
    lr: float = Field(0.02, gt=0)
    """Learning rate at the start."""
    stretch: float = Field(1.25, ge=1)
    """The rate falls as 1 - t / (stretch * total steps)."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD."""
    weight_decay: float = Field(5e-4, ge=0)
    """L2 penalty."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model trained on with all training rows; pruned weights stay 0. Logs one row per epoch."""
    return trained_on(model, data.train, recipe_of(params), generator(seed, "adaptation order"), log, "train_seconds")


def recipe_of(params: Params) -> Recipe:
    """What the optimisation loop is told."""
    schedule = warmup_linear(0, params.stretch)
    return Recipe(params.epochs, params.batch, params.lr, "sgd", params.momentum, params.weight_decay, schedule)
