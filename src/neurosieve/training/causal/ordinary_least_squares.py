"""Ordinary least squares of the outcome on treatment, instrument and covariates: biased by what is not observed."""

from __future__ import annotations

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.optim.linear_iv import ols
from neurosieve.training.causal.replicated import PerStudy, estimated


class Params(PerStudy):
    """How many studies, and the regressors."""

    instrument: bool = True
    """Whether the instrument is among the regressors."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """Estimates and standard errors [studies, 1]."""
    return estimated(
        model, data, params, log, lambda one: ols(one.x, one.z, one.a, one.y, instrument=params.instrument)
    )
