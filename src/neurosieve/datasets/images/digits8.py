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
from neurosieve.datasets.transforms import enough_rows, fitted_on, numbered, splits_per_class, standardise, unit

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
        enough_rows(self.counts, PER_CLASS)
        return self

    @property
    def counts(self) -> dict[str, int]:
        """Rows per class by split."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


def prepare(params: Params, seed: int) -> Dataset:
    """Read, split (seeded), scale by figures of the training rows alone."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = np.asarray(pixels).reshape(-1, 1, 8, 8).astype(np.float32)
    labels = np.asarray(labels).astype(np.int64)
    rows = splits_per_class(labels, params.counts, seed)
    parts = [images[part] for part in rows.values()]
    if params.scaling == "spins":
        level = np.median(parts[0], axis=0)
        scaled = [np.where(part > level, 1, -1).astype(np.int8) for part in parts]
    else:
        scaled = [unit(part, 16.0) for part in parts]
        scaled = list(standardise(*scaled)) if params.scaling == "standardise" else scaled
    splits = {name: numbered(part, x, labels) for (name, part), x in zip(rows.items(), scaled, strict=True)}
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
        fitted=fitted_on(params.scaling),
        columns={
            "sample_id": ColumnInfo(meaning="row number in the source, four digits"),
            "x": ColumnInfo(meaning="grey values of 8 x 8 pixels", unit=units[params.scaling]),
            "label": ColumnInfo(meaning="the digit"),
        },
    )
