"""Shuffled arrays to be sorted, one row per run: the values, which cells break down first, and which are of which type.

The arrays of Zhang, Goldstein and Levin, "Classical Sorting Algorithms as a Model of Morphogenesis" (2024), are the
whole of their data. Columns, all [cells]: `values` (distinct values in random order), `repeated` (the same order with
each of `levels` values equally often), `breaks` (cells in the order in which they freeze, drawn without replacement,
so that more damage contains less), `types` (0 or 1, half of each, shuffled). Every row lies in the split test: nothing
is trained.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.errors import UserError


class Params(BaseModel):
    """Size and number of the arrays."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    cells: int = Field(100, ge=2)
    """Cells of an array."""
    runs: int = Field(100, ge=1)
    """Arrays."""
    levels: int = Field(10, ge=1)
    """Different values of the column `repeated`."""
    source: Literal["ranks", "diabetes"] = "ranks"
    """What is sorted: the ranks 0..cells-1, or real values with ties (disease progression, scikit-learn's diabetes)."""

    @model_validator(mode="after")
    def _equally_often(self) -> Params:
        if self.cells % self.levels:
            raise ValueError(f"{self.cells} cells cannot hold each of {self.levels} values equally often")
        return self


def prepare(params: Params, seed: int) -> Dataset:
    """Draw the arrays. Raises UserError where the real values are fewer than the cells."""
    draws = [np.random.default_rng([seed, run]) for run in range(params.runs)]
    n = params.cells
    ranks = np.array([rng.permutation(n) for rng in draws])
    if params.source == "diabetes":
        values = np.array([rng.choice(_diabetes(n), n, replace=False) for rng in draws])
    else:
        values = ranks
    columns = {
        "sample_id": [f"run{run:04d}" for run in range(params.runs)],
        "values": values,
        "repeated": ranks // (n // params.levels),
        "breaks": np.array([rng.permutation(n) for rng in draws]),
        "types": np.array([rng.permutation(np.arange(n) % 2) for rng in draws]),
    }
    return Dataset.from_arrays(_info(params), {"test": columns})


def _diabetes(cells: int) -> np.ndarray:
    """Disease progression a year after baseline, 442 patients, whole numbers with ties."""
    from sklearn.datasets import load_diabetes

    values = np.asarray(load_diabetes(return_X_y=True)[1]).astype(np.int64)
    if cells > len(values):
        raise UserError(f"patterns.arrays: cells: {cells} is more than the {len(values)} rows of the diabetes data")
    return values


def _info(params: Params) -> DatasetInfo:
    real = params.source == "diabetes"
    return DatasetInfo(
        name=f"arrays of {params.cells} {'real values' if real else 'ranks'}",
        origin="real" if real else "simulated",
        source="scikit-learn, load_diabetes (Efron et al. 2004), drawn without replacement"
        if real
        else "drawn by seed",
        licence="BSD-3-Clause" if real else "none needed",
        inputs="values",
        columns={
            "sample_id": ColumnInfo(meaning="run"),
            "values": ColumnInfo(meaning="values by position, as each run begins"),
            "repeated": ColumnInfo(meaning=f"the same order with {params.levels} values, each equally often"),
            "breaks": ColumnInfo(meaning="cells in the order in which damage takes them"),
            "types": ColumnInfo(meaning="which of two types a cell is"),
        },
    )
