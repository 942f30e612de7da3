"""CF-k: the last k layers trained on with the retained rows, those before frozen (Goel & Prabhu 2022)."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.last_layers import last_layers_trained
from neurosieve.optim.loop import Recipe, generator

VIEWS = ("retain",)


class Params(BaseModel):
    """How deep, and the recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    k: int = Field(2, ge=-1)
    """Convolutions and linear layers from the end; -1: all."""
    epochs: int = Field(2, ge=1)
    """Passes over the retained rows."""
    lr: float = Field(0.02, gt=0)
    """Learning rate, constant."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """Momentum of SGD."""
    weight_decay: float = Field(5e-4, ge=0)
    """L2 penalty."""
    batch: int = Field(128, ge=2)
    """Rows per step."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model with its last layers trained on. Logs one row per epoch. Raises UserError where k fits no cut."""
    recipe = Recipe(params.epochs, params.batch, params.lr, "sgd", params.momentum, params.weight_decay)
    return last_layers_trained(model, data.retain, params.k, recipe, generator(seed, "finetune order"), log)
