"""Points on a ring, the class its quarter: x [rows, 2] float64, label [rows]; nothing is drawn."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo


class Params(BaseModel):
    """Rows of each split, a multiple of the four classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int = Field(8, ge=4, multiple_of=4)


def prepare(params: Params) -> Dataset:
    """The same ring in every split."""
    angle = 2 * np.pi * np.arange(params.rows) / params.rows
    x, label = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.arange(params.rows) * 4 // params.rows
    info = DatasetInfo(
        name="ring",
        origin="simulated",
        source="made here",
        licence="Apache-2.0",
        inputs="x",
        target="label",
        class_names=("a", "b", "c", "d"),
        columns={n: ColumnInfo(meaning=m) for n, m in {"sample_id": "id", "x": "place", "label": "quarter"}.items()},
    )
    splits = {}
    for split in ("train", "validation", "test"):
        splits[split] = {"sample_id": [f"{split}{row:03d}" for row in range(len(x))], "x": x, "label": label}
    return Dataset.from_arrays(info, splits)
