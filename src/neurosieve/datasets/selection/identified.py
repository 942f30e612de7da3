"""The identified part of the manipulated rows: S_f drawn from S_m (Goel et al. 2024).

It reads the hidden column `manipulated`; what it writes names the drawn rows alone, so that a method learns nothing
of the others.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Selection
from neurosieve.artifacts.dataset import Dataset
from neurosieve.datasets.corruption.manifest import draws
from neurosieve.errors import UserError


class Params(BaseModel):
    """The share."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    identified: float = Field(gt=0, le=1)
    """Share of the manipulated training rows that is known (gamma)."""


def prepare(params: Params, of: Dataset, seed: int) -> Selection:
    """round(gamma n) of the n manipulated rows, without replacement; a smaller share is part of a larger one.

    Raises UserError where the dataset is not manipulated or the share is less than half a row.
    """
    if "manipulated" not in of.info.columns:
        raise UserError(
            f"forget.identified: {of.info.name} has no manipulated rows; corrupt it (dataset: corruption.…)"
        )
    rows = np.flatnonzero(of.split("train")["manipulated"])
    count = round(params.identified * len(rows))
    if count == 0:
        raise UserError(
            f"forget.identified: {params.identified} of {len(rows)} manipulated rows is no row; choose more"
        )
    chosen = np.sort(draws(seed, "identified rows").permutation(rows)[:count])
    return Selection({"train": chosen}, f"{count} of the manipulated training rows, drawn at random")
