"""Accuracy of a classifier on test rows, and on forgotten and retained rows where the study forgets.

split validation, test: all its rows. retain: test rows not selected for forgetting. forget: test rows that are
selected (a class or a condition); where the selection lies in the training split alone (drawn or listed rows), the
forget rows themselves. Shares of rows whose largest logit is their label's.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError

VIEWS = ("forget", "retain")
TARGETS = True


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`accuracy` by split. Raises UserError where the data have neither test nor validation rows."""
    splits = [view.data.splits[name] for name in ("validation", "test") if len(view.data.splits.get(name, ()))]
    if not splits:
        raise UserError(f"dataset {view.data.info.name} has neither test nor validation rows to measure accuracy on")
    correct = {split.name: _correct(view, split) for split in splits}
    measures = [_accuracy(name, values) for name, values in correct.items()]
    if view.data.selection is not None and "test" in correct:
        chosen = view.data.selection.mask(view.data.test)
        measures.append(_accuracy("retain", correct["test"][~chosen]))
        forgotten = correct["test"][chosen] if chosen.any() else _correct(view, view.data.forget)
        measures.append(_accuracy("forget", forgotten))
    return frame(measures)


def _correct(view: View, split: Split) -> np.ndarray:
    """Per row, whether the largest logit is the label's [rows]. Raises UserError where an output is not finite."""
    logits = view.logits(split.x)
    if not np.isfinite(logits).all():
        raise UserError(
            f"the model's outputs on split '{split.name}' are not finite: it diverged; lower the learning rate"
        )
    return logits.argmax(axis=1) == split.y


def _accuracy(split: str, correct: np.ndarray) -> Measure:
    if len(correct) == 0:
        raise UserError(f"no test rows left to measure accuracy on split '{split}'")
    return Measure("accuracy", float(correct.mean()), split=split, n=len(correct))
