"""Forgetting in an associative memory: the columns of the forgotten rows' classes leave the couplings.

Nothing else of the data is in the couplings but their column, so this is exact: where the columns were centred they are
centred again over those that stay, and the memory is the one that never saw the class (its own rows' means unchanged).
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.models.associative.factor import Factor
from neurosieve.models.associative.hebbian import supervised

VIEWS = ("forget", "retain")


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def intervene(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The memory without the forgotten classes.

    Raises UserError where rows of a class are both forgotten and retained (its mean is one column), or nothing is left.
    """
    system = model.system
    if not isinstance(system, Factor):
        raise UserError("unlearning.drop_columns is for models of associative.factor")
    gone = np.unique(data.forget.y)
    if len(shared := np.intersect1d(gone, data.retain.y)):
        raise UserError(
            f"unlearning.drop_columns: class {shared[0]} has rows to forget and others to retain; a column is a class"
        )
    with log.timed("intervention_seconds"):
        kept = ~np.isin(system["classes"], gone)
        if not kept.any():
            raise UserError("unlearning.drop_columns: no column would be left")
        changed = without(system, kept)
    log.step(layer="E", elements=system["E"].size, pruned=system["E"].size - changed["E"].size)
    return model.with_(system=changed)


def without(system: Factor, kept: np.ndarray) -> Factor:
    """The memory of the kept columns [K] alone, centred and normalised as it was."""
    centred = bool(np.any(system["centre"]))
    held = supervised(system, system.means[:, kept], system["classes"][kept], centre=centred, normalise=False)
    moments = [float((one["E"].astype(np.float64) ** 2).mean()) for one in (system, held)]
    factor = (moments[0] / moments[1]) ** (system.params.order / 2)  # H stays divided by R^(P/2)
    return held.changed(scale=np.float64(float(system["scale"]) * factor))
