"""Forgetting persons in an estimate: one step along its influence function, no learner is fitted again.

Leaving persons F out moves the estimate of one split by -sum_F (Phi_i - psi) / (n - |F|): the mean of Phi over those
who stay, nuisances as they were. To first order that is the refit without them: the score is Neyman orthogonal.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels.plugin_grid import over_splits
from neurosieve.models.causal.estimator import Estimator

VIEWS = ("forget", "retain")


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The estimate without the persons to forget; neither they nor their Phi stay in it.

    Raises UserError where no Phi was kept, or rows are whole studies.
    """
    system = model.system
    if not isinstance(system, Estimator) or len(system["phi"]) != 1 or system["phi"].shape[-1] != len(data.all):
        raise UserError(
            "unlearning.influence needs one study pruned to a triple (pruning.triple) whose training has keep: true"
        )
    with log.timed("intervention_seconds"):
        assert data.selection is not None
        phi = system["phi"][:, :, ~data.selection.mask(data.all)]
        psi, n = phi.mean(axis=-1), phi.shape[-1]
        estimate, error = over_splits(psi[0], phi[0].std(axis=-1, ddof=1) / np.sqrt(n))
    log.step(forgotten=len(data.forget), before=float(system["estimate"][0, 0]), after=float(estimate))
    changed = {"estimate": np.array([[estimate]]), "error": np.array([[error]]), "phi": phi}
    # what was averaged over all persons says nothing that the estimate without some needs
    changed |= {name: system[name][:0] for name in ("psi", "se", "loss")}
    return model.with_(system=system.changed(**changed))
