"""The short fine-tuning of `adaptation.finetune` on retained rows alone: for a model pruned after a request to forget.

No forget row is read, so nothing forgotten is learnt again from the data. Part of answering the request: its CPU
seconds count as `intervention_seconds`.
"""

from __future__ import annotations

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.interventions.adaptation import finetune
from neurosieve.optim.finetune import trained_on
from neurosieve.optim.loop import generator

VIEWS = ("retain",)


class Params(finetune.Params):
    """The recipe of `adaptation.finetune`."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model trained on with retained rows only; pruned weights stay 0. Logs one row per epoch."""
    orders = generator(seed, "adaptation order")
    return trained_on(model, data.retain, finetune.recipe_of(params), orders, log)
