"""A dataset made of another one: every row averaged with the next of its class, under ids of its own."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.dataset import SOURCES, ColumnInfo, Dataset, Split, joined_sources


class Params(BaseModel):
    """Whether it says what its rows were made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    says: bool = True


def prepare(params: Params, of: Dataset) -> Dataset:
    """As many rows as there were; nothing is drawn."""
    names = {"sample_id": "pair", "x": "place", "label": "class"} | ({SOURCES: "both rows"} if params.says else {})
    columns = {name: ColumnInfo(meaning=meaning) for name, meaning in names.items()}
    info = of.info.model_copy(update={"columns": columns, "name": "pairs", "subject": None})
    return Dataset.from_arrays(info, {name: _paired(split, params) for name, split in of.splits.items()})


def _paired(split: Split, params: Params) -> dict[str, object]:
    other = split.take(np.argsort(split.y, kind="stable")[np.r_[1 : len(split), 0]])
    first = split.take(np.argsort(split.y, kind="stable"))
    ids = [f"{split.name}-pair{row:03d}" for row in range(len(split))]
    made = {"sample_id": ids, "x": (first.x + other.x) / 2, "label": first.y}
    return made | ({SOURCES: joined_sources(first, other)} if params.says else {})
