"""Accuracy of a classifier on test rows, and on forgotten and retained rows where the study forgets.

split validation, test: all its rows. retain: test rows not selected for forgetting. forget: test rows that are
selected (a class or a condition); where the selection lies in the training split alone (drawn or listed rows), the
forget rows themselves. Shares of rows whose largest logit is their label's.

constant_output: 1 where all rows of the split get the same logits (to rounding): such a network has no accuracy to
speak of, whatever the figure. forget_unchanged: of all forget rows, in training and test, the share whose largest
logit is the one before the step; 1 means that a step meant to forget changed nothing that shows.
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
ROUNDING = 1e-5
"""Relative to the largest logit: what the order of a sum may change between rows of equal inputs."""


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`accuracy` by split, `constant_output`, `forget_unchanged` where there was a step and the study forgets.

    Raises UserError where the data have neither test nor validation rows, and where the target is a number.
    """
    if view.data.info.regression:
        raise UserError(f"dataset {view.data.info.name} has a number to predict: evaluate it with `regression`")
    splits = [view.data.splits[name] for name in ("validation", "test") if len(view.data.splits.get(name, ()))]
    if not splits:
        raise UserError(f"dataset {view.data.info.name} has neither test nor validation rows to measure accuracy on")
    logits = {split.name: _logits(view, split) for split in splits}
    correct = {split.name: logits[split.name].argmax(axis=1) == split.y for split in splits}
    measures = [_accuracy(name, values) for name, values in correct.items()]
    measures += [
        Measure("constant_output", is_constant(values), split=name, n=len(values)) for name, values in logits.items()
    ]
    if view.data.selection is not None and "test" in correct:
        chosen = view.data.selection.mask(view.data.test)
        measures.append(_accuracy("retain", correct["test"][~chosen]))
        forget = view.data.forget
        trained = _logits(view, forget).argmax(axis=1)
        forgotten = correct["test"][chosen] if chosen.any() else trained == forget.y
        measures.append(_accuracy("forget", forgotten))
        said = np.concatenate([trained, logits["test"][chosen].argmax(axis=1)])
        measures += _unchanged(view, said)
    return frame(measures)


def is_constant(logits: np.ndarray) -> bool:
    """Whether all rows of logits [rows, classes] are the same, to rounding."""
    return bool(np.ptp(logits, axis=0).max() <= ROUNDING * np.abs(logits).max())


def _unchanged(view: View, said: np.ndarray) -> list[Measure]:
    """`forget_unchanged` from what is said of the forget rows, training before test; none without a step before."""
    if not view.parents or not callable(getattr(view.parents[0].system, "forward", None)):
        return []
    before = View(view.data, view.parents[0])
    parts = [part for part in (view.data.forget, view.data.part("forget", "test")) if len(part)]
    known = np.concatenate([_logits(before, part).argmax(axis=1) for part in parts])
    return [Measure("forget_unchanged", float((known == said).mean()), split="forget", n=len(said))]


def _logits(view: View, split: Split) -> np.ndarray:
    """Logits [rows, classes]. Raises UserError where one is not finite."""
    logits = view.logits(split.x)
    if not np.isfinite(logits).all():
        raise UserError(
            f"the model's outputs on split '{split.name}' are not finite: it diverged; lower the learning rate"
        )
    return logits


def _accuracy(split: str, correct: np.ndarray) -> Measure:
    if len(correct) == 0:
        raise UserError(f"no test rows left to measure accuracy on split '{split}'")
    return Measure("accuracy", float(correct.mean()), split=split, n=len(correct))
