"""EU-k: the last k layers drawn anew and trained on the retained rows, those before frozen (Goel & Prabhu 2022).

The retained rows still hold the bad rows that nobody identified. Frozen layers are in eval mode. k = -1 draws and
trains everything anew, which is retraining from scratch.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.last_layers import last_layers_trained
from neurosieve.optim.loop import Recipe, generator
from neurosieve.optim.schedules import warmup_shifted

VIEWS = ("retain",)


class Params(BaseModel):
    """How deep, and the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    k: int = Field(2, ge=-1)
    """Convolutions and linear layers from the end; -1: all."""
    epochs: int = Field(6, ge=1)
    """Passes over the retained rows."""
    lr: float = Field(0.05, gt=0)
    """Base learning rate."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD."""
    weight_decay: float = Field(5e-4, ge=0)
    """L2 penalty."""
    warmup: int = Field(20, ge=0)
    """Steps over which the rate rises; then it falls as 1 - (t - warmup) / (1.25 steps)."""
    batch: int = Field(128, ge=2)
    """Rows per step."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model with its last layers trained anew. Logs one row per epoch. Raises UserError where k fits no cut."""
    recipe = Recipe(
        params.epochs, params.batch, params.lr, "sgd", params.momentum, params.weight_decay,
        warmup_shifted(params.warmup),
    )  # fmt: skip
    return last_layers_trained(model, data.retain, params.k, recipe, generator(seed, "retrain order"), log, fresh=seed)
