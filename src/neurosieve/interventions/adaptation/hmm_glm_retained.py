"""`adaptation.hmm_glm` on retained rows alone: for a model that was fitted without the sequences to forget."""

from __future__ import annotations

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.interventions.adaptation import hmm_glm

VIEWS = ("retain",)


class Params(hmm_glm.Params):
    """The recipe of `adaptation.hmm_glm`."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model fitted on with retained sequences only. Logs one row per round."""
    return hmm_glm.continued(model, data.retain, params, seed, log)
