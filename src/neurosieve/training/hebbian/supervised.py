"""Supervised Hebbian learning: a teacher groups examples, and each group's mean becomes one column of the couplings.

E_mu = mean of the first `examples` training rows of class mu, as spins (Agliari et al., arXiv 2212.00606); rows that
are sums of many examples (column `count`) are divided by it. With `centre` the mean over classes is subtracted and
columns have norm sqrt(N): classes of images share their background. `normalise` divides H by R^(P/2), R being the mean
square of E, which sets the scale of temperature.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.associative.hebbian import class_means, supervised


class Params(BaseModel):
    """How examples become couplings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    examples: int | None = Field(None, ge=1)
    """Training rows of each class that are seen, the first in stored order; none: all."""
    centre: bool = False
    """Subtract the mean over classes and scale columns to norm sqrt(N)."""
    normalise: bool = True
    """Divide H by R^(P/2)."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The memory holding one column per class. Raises UserError where images are constant or a class has few rows."""
    rows = data.train
    with log.timed("train_seconds"):
        if "count" not in rows or len(np.unique(rows.y)) < len(rows):
            means, classes = class_means(model.system.spins(rows.x), rows.y, params.examples)
        elif params.examples is None:
            means, classes = rows.x.astype(np.float64).T / rows["count"], rows.y
        else:
            raise UserError("hebbian.supervised: these rows are sums of examples; leave `examples` out")
        system = supervised(model.system, means, classes, centre=params.centre, normalise=params.normalise)
    return model.with_(system=system)
