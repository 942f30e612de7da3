"""How far the variants' first centres lie apart: an evaluation that looks at the whole study."""

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View

LOOKS_AT = "study"


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """One row per variant: distance of its first centre from the mean of all."""
    centres = {name: other.model.system.state["centres"][0] for name, other in view.variants.items()}
    middle = np.mean(list(centres.values()), axis=0)
    return frame(
        [
            Measure("error", float(np.abs(c - middle).max()), "test", 1, {"of": "centre"}, variant=n)
            for n, c in centres.items()
        ]
    )
