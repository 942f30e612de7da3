"""Errors of a network that predicts a number, on test rows, and on forgotten and retained rows where the study forgets.

rmse: root mean square error; mae: mean absolute error, both in the target's units; r2: 1 - (sum of squared errors) /
(sum of squared differences from the split's own mean), none where the targets do not vary. Splits are those of
`classification`: validation, test; retain: test rows not selected for forgetting; forget: test rows that are selected,
or the forget rows themselves where the selection lies in the training split alone. attack_auc and leakage: as in
`membership_inference`, with the squared error as the loss. forget_unchanged: of all forget rows, in training and test,
the share whose prediction moved by less than a thousandth of the targets' standard deviation.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.kernels.ranks import auc

VIEWS = ("forget", "retain")
TARGETS = True
MOVED = 1e-3
"""Least difference of a prediction that shows, in standard deviations of the targets."""


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`rmse`, `mae`, `r2` by split, and where the study forgets `attack_auc`, `leakage`, `forget_unchanged`.

    Raises UserError where the target is a class, where there are neither test nor validation rows, and where a
    prediction is not finite or not one number per row.
    """
    info, data = view.data.info, view.data
    if not info.regression:
        raise UserError(f"dataset {info.name} has no number to predict: evaluate it with `classification`")
    splits = [data.splits[name] for name in ("validation", "test") if len(data.splits.get(name, ()))]
    if not splits:
        raise UserError(f"dataset {info.name} has neither test nor validation rows to measure errors on")
    said = {split.name: _predicted(view, split) for split in splits}
    measures = [row for split in splits for row in errors(split.name, said[split.name], split.y)]
    if data.selection is None or "test" not in said:
        return frame(measures)
    chosen, forget = data.selection.mask(data.test), data.forget
    known = _predicted(view, forget)
    measures += errors("retain", said["test"][~chosen], data.test.y[~chosen])
    some = (said["test"][chosen], data.test.y[chosen]) if chosen.any() else (known, forget.y)
    measures += errors("forget", *some)
    unseen = (said["test"] - data.test.y)[data.unseen]
    area, rows = auc(unseen**2, (known - forget.y) ** 2), min(len(unseen), len(known))
    measures += [
        Measure("attack_auc", area, split="forget", n=rows),
        Measure("leakage", abs(area - 0.5), split="forget", n=rows),
    ]
    return frame([*measures, *_unchanged(view, known, said["test"][chosen])])


def errors(split: str, said: np.ndarray, wanted: np.ndarray) -> list[Measure]:
    """rmse, mae and r2 of predictions [rows]. Raises UserError where there is no row."""
    if not len(wanted):
        raise UserError(f"no test rows left to measure errors on split '{split}'")
    off, spread = said.astype(np.float64) - wanted, float(((wanted - wanted.mean(dtype=np.float64)) ** 2).sum())
    squares = float((off**2).sum())
    found = {"rmse": (squares / len(off)) ** 0.5, "mae": float(np.abs(off).mean())}
    found |= {"r2": 1 - squares / spread} if spread > 0 else {}
    return [Measure(name, value, split=split, n=len(off)) for name, value in found.items()]


def _predicted(view: View, split: Split) -> np.ndarray:
    """Predictions [rows]."""
    outputs = view.logits(split.x)
    if outputs.size != len(split):
        raise UserError(f"the model gives {list(outputs.shape[1:])} numbers per row, one is wanted")
    if not np.isfinite(outputs).all():
        raise UserError(
            f"the model's outputs on split '{split.name}' are not finite: it diverged; lower the learning rate"
        )
    return outputs.reshape(len(split))


def _unchanged(view: View, known: np.ndarray, tested: np.ndarray) -> list[Measure]:
    """`forget_unchanged` from predictions of forget rows in training and test; none without a step before."""
    if not view.parents or not callable(getattr(view.parents[0].system, "forward", None)):
        return []
    before = View(view.data, view.parents[0])
    parts = [part for part in (view.data.forget, view.data.part("forget", "test")) if len(part)]
    was, now = np.concatenate([_predicted(before, part) for part in parts]), np.concatenate([known, tested])
    least = MOVED * float(view.data.train.y.std(dtype=np.float64))
    return [Measure("forget_unchanged", float((np.abs(now - was) < least).mean()), split="forget", n=len(now))]
