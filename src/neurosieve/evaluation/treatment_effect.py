"""Estimates of an average treatment effect against the truth where it is known, and against the naive contrast.

One row per study, its number being the seed where there are several: `estimate`, `estimate_low` (lower end of the 95 %
Wald interval) and `raw_difference` (mean outcome of the treated less that of the others); where the data hold the truth
also `estimation_error` and `covers`. At `scenario` or `triple` where estimates differ by it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.models.causal.estimator import Estimator
from neurosieve.models.causal.tables import tables

NORMAL = 1.959963984540054
"""97.5 % point of the normal distribution."""


class Params(BaseModel):
    """How many studies are looked at."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    replicates: int | None = Field(None, ge=1)
    """Studies; without it there is one, of the node's own seed."""


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """Rows of every study. Raises UserError for another model, or where it has estimated fewer studies."""
    if view.model is None or not isinstance(view.model.system, Estimator):
        raise UserError("evaluation treatment_effect looks at models of causal.estimator")
    system, count = view.model.system, params.replicates or 1
    if len(system["estimate"]) < count:
        raise UserError(f"{count} replicates are asked for, but the model estimated {len(system['estimate'])} studies")
    rows = view.data.train
    truth = rows["effect"][:count] if "effect" in rows else np.full(count, np.nan)
    contrasts = [_contrast(one.a, one.y) for one in tables(rows, params.replicates)]
    measures: list[Measure] = []
    for study in range(count):
        seed = study if params.replicates else None
        n = rows["z"].shape[-1]
        measures.append(Measure("raw_difference", contrasts[study], n=n, seed=seed))
        for point, at in enumerate(system.points):
            estimate, error = (float(system[name][study, point]) for name in ("estimate", "error"))
            for metric, value in _of(estimate, error, float(truth[study])):
                measures.append(Measure(metric, value, n=n, at=at, seed=seed))
    return frame(measures)


def _of(estimate: float, error: float, truth: float) -> Iterator[tuple[str, float]]:
    yield "estimate", estimate
    yield "estimate_low", estimate - NORMAL * error
    if np.isfinite(truth):
        yield "estimation_error", estimate - truth
        yield "covers", float(abs(estimate - truth) <= NORMAL * error)


def _contrast(a: np.ndarray, y: np.ndarray) -> float:
    return float(y[a == 1].mean() - y[a == 0].mean())
