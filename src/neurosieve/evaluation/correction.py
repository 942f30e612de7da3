"""What is left of a manipulation (Goel et al. 2024): accuracy where it should show, and on the rest.

Poison (training rows carry a trigger): split corrected = all test rows with the trigger set, true labels; retain =
the same rows clean. Confusion (labels alone are wrong): corrected = test rows of the confused classes, retain = those
of the others. manipulated: training rows that were manipulated, as trained on, against their true labels. identified:
rows that were found, against the label they were trained with: the share that keeps its bad label.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.kernels.trigger import stamp

VIEWS = ("forget", "retain")
TARGETS = True


class Params(BaseModel):
    """The trigger."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    patch: int = Field(3, ge=1)
    """Side of the trigger that is set on test images, as in `corruption.backdoor`."""


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`accuracy` by split, of those that have rows.

    Raises UserError for data that are not manipulated or a trigger of another size.
    """
    train, test = view.data.train, view.data.test
    if "manipulated" not in train:
        raise UserError(f"evaluation correction: {view.data.info.name} is not manipulated; use a dataset corruption.…")
    bad = train.take(train["manipulated"])
    if bad["patched"].any():
        value = trigger_value(bad, params.patch)
        corrected = _right(view, stamp(test.x, params.patch, value), test["true_label"])
        retain = _right(view, test.x, test["true_label"])
    else:
        right, confused = _right(view, test.x, test["true_label"]), np.isin(test["true_label"], bad["true_label"])
        corrected, retain = right[confused], right[~confused]
    parts = {"corrected": corrected, "retain": retain, "manipulated": _right(view, bad.x, bad["true_label"])}
    if view.data.selection is not None:
        parts["identified"] = _right(view, view.data.forget.x, view.data.forget.y)
    return frame([Measure("accuracy", float(v.mean()), split=name, n=len(v)) for name, v in parts.items() if len(v)])


def trigger_value(bad: Split, side: int) -> float:
    """The value of the patch on poisoned rows. Raises UserError where their corner is not one value."""
    corner = bad.x[:, :, -side:, -side:]
    if (corner != corner.flat[0]).any():
        raise UserError(f"evaluation correction: patch {side} is larger than the one that the training rows carry")
    return float(corner.flat[0])


def _right(view: View, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return view.logits(inputs).argmax(axis=1) == labels
