"""What the estimators without learners share: one estimate per study."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.models.causal.tables import Table, tables


class PerStudy(BaseModel):
    """How many studies."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    replicates: int | None = Field(None, ge=1)
    """Studies; all that the data hold if left out."""


def estimated(
    model: Model, data: Data, params: PerStudy, log: Log, estimate: Callable[[Table], tuple[float, float]]
) -> Model:
    """The model with the estimates and standard errors [studies, 1] that `estimate` gives of each study."""
    studies = tables(data.train, params.replicates)
    with log.timed("train_seconds"):
        found = np.array([estimate(one) for one in studies])
    return model.with_(system=model.system.changed(estimate=found[:, :1], error=found[:, 1:]))
