"""Accuracy on test and validation, and on forgotten and retained test rows where the study forgets."""

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View

VIEWS = ("forget", "retain")
TARGETS = True


class Params(BaseModel):
    """Seconds to sleep."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    sleep: float = 0
    replicates: int = 1


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """One row per split; with replicates one per replicate, too."""
    data, rows = view.data, []
    parts = {name: split for name, split in data.splits.items() if name != "train"}
    if data.selection is not None and "test" in data.splits:
        parts |= {"forget": data.part("forget", "test"), "retain": data.part("retain", "test")}
    for name, split in parts.items():
        guess = view.runtime(split.x).argmax(1) if view.runtime else view.model.system.predict(split.x)
        right = float(np.mean(guess == split.y))
        seeds = range(params.replicates) if params.replicates > 1 else [None]
        rows += [Measure("accuracy", right, name, len(split), seed=seed) for seed in seeds]
    return frame(rows)
