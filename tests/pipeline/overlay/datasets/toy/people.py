"""Points of people: three rows each in `train`, one in validation and test, of two classes; ids such as `p004-2`."""

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo

ROWS = {"train": 3, "validation": 1, "test": 1}


class Params(BaseModel):
    """How many people, what is said of whose rows they are and of constants, and where they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    people: int = Field(8, ge=2)
    subject: bool = True
    constants: Literal["declared", "fitted", "unsaid"] = "declared"
    origin: Literal["simulated", "real"] = "simulated"


def prepare(params: Params, seed: int) -> Dataset:
    """Rows around their class's place, in the order of people."""
    random, splits = np.random.default_rng(seed), {}
    for split, rows in ROWS.items():
        who, number = np.divmod(np.arange(params.people * rows), rows)
        label = who % 2
        x = label[:, None] + 0.1 * random.standard_normal((len(who), 2))
        ids = [f"p{person:03d}-{split[:2]}{row}" for person, row in zip(who, number, strict=True)]
        splits[split] = {"sample_id": ids, "x": x, "label": label, "who": [f"Person {one:03d}" for one in who]}
    info = DatasetInfo(
        name="people",
        origin=params.origin,
        source="made here",
        licence="Apache-2.0",
        inputs="x",
        target="label",
        class_names=("even", "odd"),
        columns={name: ColumnInfo(meaning=name) for name in splits["train"]},
        subject="who" if params.subject else None,
        fitted={"declared": (), "fitted": ("train",), "unsaid": None}[params.constants],
    )
    return Dataset.from_arrays(info, splits)
