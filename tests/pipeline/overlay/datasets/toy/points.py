"""Points around class centres in the plane: x [rows, 2] float64, label [rows]; a hidden column marks odd rows."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.raw import RawFile


class Params(BaseModel):
    """Rows per class and split, classes, spread, a file whose first number shifts every point, ids of digits."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int = Field(20, ge=2)
    classes: int = Field(3, ge=2)
    spread: float = Field(0.1, gt=0)
    shift_file: RawFile | None = None
    digits: bool = False


def prepare(params: Params, seed: int) -> Dataset:
    """Three splits drawn with the seed."""
    random = np.random.default_rng(seed)
    shift = float(open(params.shift_file).read()) if params.shift_file else 0.0  # noqa: SIM115
    columns = {"sample_id": "id", "x": "place", "label": "class"}
    info = DatasetInfo(
        name="points",
        origin="simulated",
        source="made here",
        licence="Apache-2.0",
        inputs="x",
        target="label",
        class_names=tuple(str(c) for c in range(params.classes)),
        columns={n: ColumnInfo(meaning=m) for n, m in columns.items()} | {"odd": ColumnInfo(meaning="?", hidden=True)},
    )
    splits = {}
    for number, split in enumerate(("train", "validation", "test")):
        label = np.repeat(np.arange(params.classes), params.rows)
        x = label[:, None] + shift + params.spread * random.standard_normal((len(label), 2))
        start = f"{number}" if params.digits else f"{split}-0"
        ids = [f"{start}{row:03d}" for row in range(len(label))]
        splits[split] = {"sample_id": ids, "x": x, "label": label, "odd": label % 2 == 1}
    return Dataset.from_arrays(info, splits)
