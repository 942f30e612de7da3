"""Interclass confusion (Goel et al. 2022, 2024): as many rows of class A get label B as rows of B get label A.

Images stay as they are. Which rows is drawn; `preset: official` takes the first ones of each class, as the authors do.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Dataset
from neurosieve.datasets.corruption.manifest import draws, manipulated, target_of
from neurosieve.errors import UserError


class Params(BaseModel):
    """Which classes, and how many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    rows: int = Field(400, ge=2)
    """Training rows that are relabelled (n = |S_m|), half of them each way."""
    classes: tuple[int, int] = (3, 5)
    """The two classes."""
    preset: Literal["ours", "official"] = "ours"
    """official: the first rows of each class instead of a draw."""


def prepare(params: Params, of: Dataset, seed: int) -> Dataset:
    """The dataset with labels exchanged. Raises UserError for odd `rows`, equal or missing classes, too few rows."""
    if params.rows % 2:
        raise UserError(f"corruption.interclass: rows {params.rows} is odd; half of them go each way")
    labels = of.split("train")[target_of(of)]
    missing = [str(label) for label in params.classes if not (labels == label).any()]
    if missing or params.classes[0] == params.classes[1]:
        what = f"no training row of class {', '.join(missing)}" if missing else "the two classes are the same"
        raise UserError(f"corruption.interclass: classes {list(params.classes)}: {what} in {of.info.name}")
    draw, half, fresh = draws(seed, "confused rows"), params.rows // 2, labels.copy()
    chosen = []
    for own, other in (params.classes, params.classes[::-1]):
        rows = np.flatnonzero(labels == own)
        if len(rows) < half:
            raise UserError(f"corruption.interclass: class {own} has {len(rows)} training rows, {half} wanted")
        picked = rows[:half] if params.preset == "official" else draw.choice(rows, half, replace=False)
        fresh[picked] = other
        chosen.append(picked)
    return manipulated(of, "interclass", np.concatenate(chosen), fresh)
