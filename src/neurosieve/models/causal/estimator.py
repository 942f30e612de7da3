"""Estimates of an average treatment effect, of every study (replicate) and by every way it was estimated.

Axes: R studies, P points (scenarios of right and wrong models, triples of learners, or one), S random splits, L
learners of the library, n persons. Arrays: `estimate`, `error` (its standard error) [R, P]; of a library also `psi`,
`se` [R, S, L, L, L] (learner of f, of m in the leading factor, of the outcome side), `loss` [R, 3, L] (out of fold:
log loss of f and m, squared error of g), `chosen` [R, 3] once one triple is, and, where the training keeps them,
out-of-fold predictions `f` [R, S, L, n] = P(Z=1|x), `m` [R, S, L, 2, n] = P(A=1|z, x), `g` [R, S, L, 2, 2, n] =
E[Y|a, z, x] with the `limits` [R, 2] of D and beta and the keys of the `persons` [R, n]; of the chosen triple then
`phi` [R, S, n], whose mean is the estimate.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from neurosieve.kernels.influence_function import influence, outcome_side, variance_difference
from neurosieve.models.arrays import Arrays
from neurosieve.models.causal.tables import Table

DRAWS = False
Scenario = Literal["all-right", "m1", "m2", "m3", "m3-prime", "all-wrong"]
Learner = Literal["linear", "spline", "boosting", "lasso", "forest", "mlp"]
RIGHT: Mapping[str, str] = {
    "all-right": "f m beta omega eta",
    "m1": "f m",
    "m2": "f beta omega",
    "m3": "beta omega eta",
    "m3-prime": "beta eta m",
    "all-wrong": "",
}
"""Nuisances whose model is right, by scenario; the union of those in between is what robustness is about."""


class Params(BaseModel):
    """By which points estimates differ: scenarios, triples of a library's learners, or neither."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    scenarios: tuple[Scenario, ...] = ()
    """Which nuisance models are right (parametric estimator on simulated studies)."""
    library: tuple[Learner, ...] = ()
    """Learners that each nuisance role is tried with."""

    @model_validator(mode="after")
    def _one_kind(self) -> Params:
        if self.scenarios and self.library:
            raise ValueError("points are scenarios or triples of learners, not both")
        if len(set(self.library)) < len(self.library) or len(set(self.scenarios)) < len(self.scenarios):
            raise ValueError("a learner or scenario is listed twice")
        return self


class Estimator(Arrays):
    """What was estimated; `params` say what the points are."""

    resizable = frozenset(
        {"estimate", "error", "psi", "se", "loss", "chosen", "f", "m", "g", "limits", "persons", "phi"}
    )

    def __init__(self, params: Params) -> None:
        super().__init__(
            estimate=np.zeros((0, 0)),
            error=np.zeros((0, 0)),
            psi=np.zeros((0, 0, 0, 0, 0)),
            se=np.zeros((0, 0, 0, 0, 0)),
            loss=np.zeros((0, 3, 0)),
            chosen=np.zeros((0, 3), np.int64),
            f=np.zeros((0, 0, 0, 0)),
            m=np.zeros((0, 0, 0, 2, 0)),
            g=np.zeros((0, 0, 0, 2, 2, 0)),
            limits=np.zeros((0, 2)),
            persons=np.zeros((0, 0), np.uint64),
            phi=np.zeros((0, 0, 0)),
        )
        self.params = params

    @property
    def points(self) -> list[dict[str, object]]:
        """The metric's axes at each point, in the order of `estimate`."""
        if self.params.library and not len(self["chosen"]):
            return [{"triple": "-".join(names)} for names in product(self.params.library, repeat=3)]
        return [{"scenario": name} for name in self.params.scenarios] or [{}]

    def influence(self, study: int, triple: tuple[int, ...], table: Table) -> np.ndarray:
        """Phi [S, n] under a triple of the persons of a study whose predictions were kept."""
        (k, middle, j), (least, most) = triple, self["limits"][study]
        table = table.take(np.isin(table.keys, self["persons"][study]))  # a refit without some has predicted the others
        f, m = self["f"][study, :, k], self["m"][study, :, middle]
        outcome = outcome_side(self["m"][study, :, j], self["g"][study, :, j], least, most)
        return influence(table.z, table.a, table.y, f, m, variance_difference(m, least), outcome)


def build(params: Params, schema: Mapping[str, Any]) -> Estimator:
    """Nothing is estimated yet."""
    return Estimator(params)
