"""Damage: cells of a self-sorting array freeze and never act again (Zhang, Goldstein and Levin 2024).

Which cells do is drawn with the arrays (column `breaks`); here stands how many, and whether others may still swap with
them (`movable`) or not (`immovable`). Every number is run under every kind.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError


class Params(BaseModel):
    """How many cells freeze, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cells: tuple[int, ...] = Field((0, 1, 2, 3), min_length=1)
    """Numbers of frozen cells; each is a level of damage."""
    kinds: tuple[Literal["movable", "immovable"], ...] = Field(("movable", "immovable"), min_length=1)
    """Whether others may swap with a frozen cell."""


def intervene(model: Model, data: Data, params: Params) -> Model:
    """The same sorters, damaged. Raises UserError where more cells would freeze than there are."""
    cells = data.info.input_shape[0]
    if not all(0 <= count <= cells for count in params.cells):
        raise UserError(f"pruning.freeze_cells: cells: {list(params.cells)}, but an array has {cells} cells")
    kinds = [int(kind == "movable") for kind in params.kinds]
    system = model.system.changed(frozen=np.array(params.cells, np.int64), movable=np.array(kinds, np.int64))
    return model.with_(system=system)
