"""An attack that finds what its parameters say, as evidence writes it down; the model before answers .9."""

import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View

VIEWS = ("forget",)
TARGETS = True


class Params(BaseModel):
    """What is found, with half of its interval, the margin about .5, and how many names of attacks find it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    found: float = 0.5
    half: float = 0.03125
    margin: float = 0.125
    attacks: tuple[str, ...] = ("loss", "entropy")


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """One set of rows per attack; the interval is inside the margin, outside, or neither."""
    rows, size = [], len(view.data.forget)
    low, high = params.found - params.half, params.found + params.half
    inside = abs(low - 0.5) < params.margin and abs(high - 0.5) < params.margin
    outside = low - 0.5 >= params.margin or 0.5 - high >= params.margin
    values = {
        "estimate": params.found,
        "low": low,
        "high": high,
        "null_low": 0.5,
        "null_high": 0.5,
        "margin": params.margin,
        "inside_p": 0.0 if inside else 1.0,
        "outside_p": 0.0 if outside else 1.0,
        "others": size,
        "before": 0.9375,
        "before_p": 0.0,
    }
    for attack in params.attacks:
        rows += [
            Measure(f"evidence_{name}", value, "forget", size, {"attack": attack}) for name, value in values.items()
        ]
    rows += [Measure("evidence_copies", 1, "forget", size), Measure("evidence_near_copies", 2, "forget", size)]
    return frame(rows)
