"""Entropy attack on membership: how many forget rows still look like training rows (Foster et al. 2024, column MIA).

For each row the entropy H (nats) of the softmax. A logistic regression (balanced class weights, C = 1, lbfgs) on H
alone is fitted to tell retained training rows (1) from test rows (0); `mia_success` is the share of forget rows
(training rows) it calls 1. Lower is not better: the reference is a model retrained without the rows. The authors'
code fits the two-class softmax form, which amounts to C = 2.

`attack_auc` is the probability that a forget row's loss (cross-entropy of its label) is lower than a row's that was
never trained on (Yeom et al. 2018), ties counting one half; `leakage` = |attack_auc - 0.5| is two-sided: below 0.5 the
rows are told by how badly they are answered, which shows their absence. The loss, not the entropy, because a network
driven away from the forget rows answers them wrongly and with confidence. Rows never trained on are the test rows that
the request covers, so that "at chance" means what it says for a class; where it covers none (listed or drawn rows),
all test rows. `n` of both is the smaller of the two groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.kernels.ranks import auc

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

VIEWS = ("forget", "retain")
TARGETS = True


class Params(BaseModel):
    """The attack's regression."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    C: float = Field(1.0, gt=0)
    """Inverse strength of the ridge penalty."""


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """`mia_success`, `attack_auc` and `leakage` on split forget. Raises UserError where an output is not finite."""
    data = view.data
    if data.info.regression:
        raise UserError(f"dataset {data.info.name} has a number to predict: `regression` measures its `leakage`")
    splits = {"retain": data.retain, "test": data.test, "forget": data.forget}
    logits = {name: view.logits(split.x) for name, split in splits.items()}
    if not all(np.isfinite(values).all() for values in logits.values()):
        raise UserError("the model's outputs are not finite: it diverged; lower the learning rate")
    called = attack(logits["retain"], logits["test"], params.C).predict(entropy(logits["forget"]))
    unseen = loss(logits["test"], data.test.y)[data.unseen]
    area, rows = auc(unseen, loss(logits["forget"], data.forget.y)), min(len(called), len(unseen))
    return frame(
        [
            Measure("mia_success", float(called.mean()), split="forget", n=len(called)),
            Measure("attack_auc", area, split="forget", n=rows),
            Measure("leakage", abs(area - 0.5), split="forget", n=rows),
        ]
    )


def loss(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy in nats [rows] of integer labels [rows] under logits [rows, classes]."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    return np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]


def entropy(logits: np.ndarray) -> np.ndarray:
    """Entropy of the softmax in nats [rows, 1]; a probability that underflows to 0 contributes 0."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    weights = np.exp(shifted)
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    return -(probabilities * logs).sum(axis=1, keepdims=True)


def attack(retain: np.ndarray, test: np.ndarray, C: float = 1.0) -> LogisticRegression:
    """The fitted logistic regression, from logits of members [rows, classes] and of non-members."""
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([entropy(retain), entropy(test)])
    member = np.repeat([1, 0], [len(retain), len(test)])
    return LogisticRegression(C=C, class_weight="balanced", solver="lbfgs").fit(features, member)
