"""A dataset made of another one: its training labels shifted by one class."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.dataset import Dataset


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def prepare(params: Params, of: Dataset) -> Dataset:
    """The same rows with other labels; nothing is drawn."""
    splits = {name: {c: split[c] for c in of.info.columns} for name, split in of.splits.items()}
    splits["train"]["label"] = np.asarray((splits["train"]["label"] + 1) % len(of.info.class_names))
    return Dataset.from_arrays(of.info, splits)
