"""Unsupervised Hebbian learning: every example is a column of its own; no teacher says which belong together.

H = -(N / (P M)) sum_{mu,a} ((1/N) sum_i eta^{mu,a}_i s_i)^P (Agliari et al., arXiv 2212.00606): the sum over examples
stands outside the power. Labels are kept only to read an answer off the column that overlaps most.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.associative.hebbian import unsupervised


class Params(BaseModel):
    """How examples become couplings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    examples: int | None = Field(None, ge=1)
    """Training rows of each class that are seen, the first in stored order; none: all."""
    centre: bool = False
    """Subtract the mean over the examples and scale columns to norm sqrt(N)."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The memory holding one column per example. Raises UserError where rows are sums, or a class has too few."""
    rows = data.train
    if "count" in rows and (rows["count"] > 1).any():
        raise UserError("hebbian.unsupervised: these rows are sums of examples; prepare them with form: examples")
    with log.timed("train_seconds"):
        states = model.system.spins(rows.x)
        system = unsupervised(model.system, states, rows.y, params.examples, centre=params.centre)
    return model.with_(system=system)
