"""The score by which a corrective method's setting is chosen: validation rows and identified rows alone (`choose:`)."""

from __future__ import annotations

import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.kernels.correction import floor_of, score

VIEWS = ("forget",)


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`correction_score` on split validation."""
    validation, forget = view.data.validation, view.data.forget
    right, kept = ((view.logits(part.x).argmax(axis=1) == part.y).mean() for part in (validation, forget))
    value = score(float(right), float(kept), floor_of(forget.y, len(view.data.info.class_names)))
    return frame([Measure("correction_score", value, split="validation", n=len(validation))])
