"""Share of wrong answers by split, and on test rows of odd classes, a column that only evaluation sees."""

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`error` of validation and test, the latter again at odd classes alone where that column is to be seen."""
    rows = []
    for name, split in view.data.splits.items():
        wrong = view.model.system.predict(split.x) != split.y
        if name != "train":
            rows.append(Measure("error", float(np.mean(wrong)), name, len(split)))
        if name == "test" and "odd" in split:
            rows.append(
                Measure("error", float(np.mean(wrong[split["odd"]])), name, int(split["odd"].sum()), {"odd": 1})
            )
    return frame(rows)
