"""Rows to forget drawn at random from the training split."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Selection
from neurosieve.artifacts.dataset import Dataset
from neurosieve.errors import UserError


class Params(BaseModel):
    """How many."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    sample: int = Field(ge=1)
    """Training rows to forget, drawn without replacement."""


def prepare(params: Params, of: Dataset, seed: int) -> Selection:
    """A seeded draw of training rows. Raises UserError when fewer rows exist."""
    total = len(of.split("train"))
    if params.sample >= total:
        raise UserError(
            f"forget.sample: {params.sample} rows wanted, {of.info.name} has {total} training rows; choose fewer"
        )
    rows = np.random.default_rng(seed).choice(total, params.sample, replace=False)
    return Selection({"train": np.sort(rows)}, f"{params.sample} training rows drawn at random")
