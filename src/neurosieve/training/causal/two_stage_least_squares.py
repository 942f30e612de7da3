"""Two-stage least squares with exogenous covariates: biased where the instrument also acts on the outcome."""

from __future__ import annotations

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.linear_iv import two_stage
from neurosieve.training.causal.replicated import PerStudy, estimated


class Params(PerStudy):
    """How many studies."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """Estimates and standard errors [studies, 1]."""
    return estimated(model, data, params, log, lambda one: two_stage(one.x, one.z, one.a, one.y))
