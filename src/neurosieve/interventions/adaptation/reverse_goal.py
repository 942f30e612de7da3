"""Opposed goals: one type of cell in a mixed self-sorting array sorts downwards (Zhang, Goldstein and Levin 2024)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.model import Model


class Params(BaseModel):
    """Who turns round."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    types: Literal["first", "second", "both"] = "second"
    """Types whose cells sort downwards, in the order of a pair's letters."""


def intervene(model: Model, params: Params) -> Model:
    """The same sorters with other goals."""
    down = np.array([params.types in ("first", "both"), params.types in ("second", "both")], np.int64)
    return model.with_(system=model.system.changed(down=down))
