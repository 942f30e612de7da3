"""Random label swap: labels of some drawn training rows are permuted among them (a row may keep its own)."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Dataset
from neurosieve.datasets.corruption.manifest import draws, manipulated, target_of
from neurosieve.errors import UserError


class Params(BaseModel):
    """How many rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    rows: int = Field(100, ge=2)
    """Training rows whose labels are permuted (n = |S_m|)."""


def prepare(params: Params, of: Dataset, seed: int) -> Dataset:
    """The dataset with labels permuted. Raises UserError when fewer rows exist."""
    labels = of.split("train")[target_of(of)]
    if params.rows >= len(labels):
        raise UserError(f"corruption.label_swap: rows {params.rows}, {of.info.name} has {len(labels)} training rows")
    drawn = draws(seed, "swapped rows").choice(len(labels), params.rows, replace=False)
    return manipulated(of, "label_swap", np.sort(drawn), swapped(labels, drawn))


def swapped(labels: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Labels [rows] where the i-th smallest of `drawn` gets the old label of the i-th drawn row."""
    fresh = labels.copy()
    fresh[np.sort(drawn)] = labels[drawn]
    return fresh
