"""Fine-tuning on the retained rows: the forget rows fade because nothing reminds the model of them.

Baseline of Foster et al. 2024 (their code: 5 epochs of SGD at 0.02, momentum 0.9, weight decay 5e-4, batch 64).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.finetune import trained_on
from neurosieve.optim.loop import Recipe, generator

VIEWS = ("retain",)


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    epochs: int = Field(5, ge=1)
    """Passes over the retained rows."""
    lr: float = Field(0.02, gt=0)
    """Learning rate, constant."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD."""
    weight_decay: float = Field(5e-4, ge=0)
    """L2 penalty."""
    batch: int = Field(64, ge=2)
    """Rows per step."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model trained on with retained rows only; pruned weights stay 0. Logs one row per epoch."""
    recipe = Recipe(params.epochs, params.batch, params.lr, "sgd", params.momentum, params.weight_decay)
    return trained_on(model, data.retain, recipe, generator(seed, "finetune order"), log)
