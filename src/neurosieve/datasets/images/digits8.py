"""1797 real handwritten digits of 8 x 8 pixels, as packed with scikit-learn (`load_digits`).

Grey values 0..16, 10 classes of 174 to 183 rows; scaled, and split by a seeded draw with equal counts per class.
Columns: x float32 [1, 8, 8] (spins: int8), label int64; sample_id is the row's number in the source, "0000" to "1796".
Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), its test set.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.datasets.transforms import split_per_class, standardise, unit

PER_CLASS = 174
"""Rows of the smallest class."""


class Params(BaseModel):
    """Scaling and split."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    scaling: Literal["standardise", "unit", "spins"] = "standardise"
    """standardise: minus the mean, over the standard deviation, of all training pixels; unit: 0..1; spins: +1 above the
    median of the pixel over the training rows, else -1."""
    train: int = Field(130, ge=1, le=PER_CLASS)
    """Training rows per class."""
    validation: int = Field(0, ge=0, le=PER_CLASS)
    """Validation rows per class; 0 makes no such split."""
    test: int = Field(40, ge=1, le=PER_CLASS)
    """Test rows per class."""

    @model_validator(mode="after")
    def _enough_rows(self) -> Params:
        wanted = self.train + self.validation + self.test
        if wanted > PER_CLASS:
            raise ValueError(f"train + validation + test = {wanted} rows per class; there are {PER_CLASS}")
        return self


def prepare(params: Params, seed: int) -> Dataset:
    """Read, split (seeded), scale by figures of the training rows alone."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = np.asarray(pixels).reshape(-1, 1, 8, 8).astype(np.float32)
    labels = np.asarray(labels).astype(np.int64)
    counts = {"train": params.train, "validation": params.validation, "test": params.test}
    names = [name for name, count in counts.items() if count]
    rows = split_per_class(labels, tuple(counts[name] for name in names), np.random.default_rng(seed))
    parts = [images[part] for part in rows]
    if params.scaling == "spins":
        level = np.median(parts[0], axis=0)
        scaled = [np.where(part > level, 1, -1).astype(np.int8) for part in parts]
    else:
        scaled = [unit(part, 16.0) for part in parts]
        scaled = list(standardise(*scaled)) if params.scaling == "standardise" else scaled
    splits = {
        name: {"sample_id": [f"{row:04d}" for row in part], "x": x, "label": labels[part]}
        for name, part, x in zip(names, rows, scaled, strict=True)
    }
    return Dataset.from_arrays(_info(params), splits)


def _info(params: Params) -> DatasetInfo:
    units = {"standardise": "standard deviations", "unit": "share of full ink", "spins": "spin"}
    return DatasetInfo(
        name="digits8",
        origin="real",
        source="scikit-learn, load_digits: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (1998)",
        licence="CC BY 4.0",
        inputs="x",
        target="label",
        class_names=tuple("0123456789"),
        columns={
            "sample_id": ColumnInfo(meaning="row number in the source, four digits"),
            "x": ColumnInfo(meaning="grey values of 8 x 8 pixels", unit=units[params.scaling]),
            "label": ColumnInfo(meaning="the digit"),
        },
    )
