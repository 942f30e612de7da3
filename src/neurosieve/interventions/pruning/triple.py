"""Pruning of a library of learners to one triple, by the mixed-minimax rule (Cui and Tchetgen Tchetgen 2019).

minimax: the triple whose estimate moves least when one role's learner is exchanged (`kernels.plugin_grid.risk`). loss:
in each role the learner of smallest out-of-fold loss, which the paper warns of. companion: the triple that the model
named by `with:` was pruned to. Where predictions were kept, Phi of every person under the triple is kept too.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels.plugin_grid import over_splits, risk, safest
from neurosieve.models.causal.estimator import Estimator
from neurosieve.models.causal.tables import tables


class Params(BaseModel):
    """The rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: Literal["minimax", "loss", "companion"] = "minimax"
    """How the triple is chosen; companion takes that of the model named by `with:`."""
    replicates: int | None = Field(None, ge=1)
    """Studies; all that the model holds if left out."""


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The estimator of one triple per study. Logs the triple and its pseudo-risk.

    Raises UserError where the model has no library, one of a single learner, or no companion that is pruned.
    """
    system = model.system
    if not isinstance(system, Estimator) or not len(system["psi"]):
        raise UserError("pruning.triple is for models of causal.estimator with a fitted library")
    names = system.params.library
    if len(names) < 2:
        raise UserError(f"pruning.triple: the library is {', '.join(names)} alone; there is nothing to compare")
    count = params.replicates or len(system["psi"])
    with log.timed("intervention_seconds"):
        chosen = [_chosen(system, study, params.rule, model) for study in range(count)]
        pairs = [over_splits(system["psi"][i][:, *one], system["se"][i][:, *one]) for i, one in enumerate(chosen)]
    for study, triple in enumerate(chosen):
        f, m, outcome = (names[index] for index in triple)
        log.step(study=study, f=f, m=m, outcome=outcome, risk=float(risk(system["psi"][study])[triple]))
    changed: dict[str, np.ndarray] = {
        "estimate": np.array([[one] for one, _ in pairs]),
        "error": np.array([[one] for _, one in pairs]),
        "chosen": np.array(chosen, np.int64),
    }
    if len(system["f"]):
        studies = tables(data.train)[:count]
        changed["phi"] = np.array([system.influence(i, chosen[i], one) for i, one in enumerate(studies)])
        changed |= {name: system[name][:0] for name in ("f", "m", "g")}
    return model.with_(system=system.changed(**changed))


def _chosen(system: Estimator, study: int, rule: str, model: Model) -> tuple[int, ...]:
    if rule == "minimax":
        return safest(system["psi"][study])
    if rule == "loss":
        return tuple(int(index) for index in system["loss"][study].argmin(axis=-1))
    beside = [other.system for other in model.companions if isinstance(other.system, Estimator)]
    if not beside or len(beside[0]["chosen"]) <= study or beside[0].params.library != system.params.library:
        raise UserError("pruning.triple: rule: companion needs `with:` a model pruned from the same library")
    return tuple(int(index) for index in beside[0]["chosen"][study])
