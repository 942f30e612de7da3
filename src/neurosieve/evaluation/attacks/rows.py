"""Attacks on one model, rows as units: are the rows to forget told from rows never trained on?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation.attacks.intervals import CHANCE, Estimate, Null, Pair, against, of_rows, operating_points
from neurosieve.evaluation.attacks.tidy import decided
from neurosieve.evaluation.membership_inference import entropy, loss

Answers = tuple[np.ndarray, np.ndarray]
"""Outputs on the rows to forget and on rows never trained on."""
RATES = (0.001, 0.01, 0.1)


@dataclass(frozen=True)
class Rows:
    """Rows to forget, and those never trained on that are as like them as there are: the test rows that the request
    covers, all test rows where it covers none (`unseen` is their mask)."""

    data: Data
    unseen: np.ndarray

    @staticmethod
    def of(data: Data) -> Rows:
        return Rows(data, data.unseen)

    @property
    def labels(self) -> Answers:
        return self.data.forget.y, self.data.test.y[self.unseen]

    @property
    def classes(self) -> bool:
        """Whether the target is a class, not a number."""
        return not np.issubdtype(self.data.forget.y.dtype, np.floating)

    def answers(self, view: View) -> Answers:
        """Outputs of a view's model. Raises UserError where one is not finite."""
        found = view.logits(self.data.forget.x), view.logits(self.data.test.x[self.unseen])
        if not all(np.isfinite(outputs).all() for outputs in found):
            raise UserError("the model's outputs are not finite: it diverged; lower the learning rate")
        return found

    def scores(self, attack: str, answers: Answers) -> Pair:
        """Scores of both kinds of rows by the attack `loss` or `entropy`; higher: trained on."""
        first, second = (
            -entropy(outputs)[:, 0] if attack == "entropy" else -row_loss(outputs, labels)
            for outputs, labels in zip(answers, self.labels, strict=True)
        )
        return first, second


def row_loss(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy [rows] of whole-number labels; mean squared error where the target is no class."""
    if np.issubdtype(labels.dtype, np.floating):
        return ((outputs.reshape(len(labels), -1) - labels.reshape(len(labels), -1)) ** 2).mean(1)
    return loss(outputs, labels)


def rows_as_units(
    rows: Rows, own: Answers, before: Answers | None, retrained: list[Answers], margin: float
) -> Iterator[Measure]:
    """Loss and entropy on a model's answers, beside chance or beside what retrained models give on the same rows.

    `before` are the answers of the model that learned the rows: an attack that finds nothing there has no power.
    """
    n, others = (len(side) for side in own)
    for attack in ("loss", "entropy") if rows.classes else ("loss",):
        nulls = [rows.scores(attack, other) for other in retrained]
        pair = rows.scores(attack, own)
        estimate, null = estimated(pair, nulls)
        more = {}
        if before is not None:
            told, centre = estimated(rows.scores(attack, before), nulls)
            more |= {"before": told.value, "before_p": told.outside(centre.middle, centre.middle)}
        yield from decided(attack, estimate, null, margin, n, others, **more)
        best, points = operating_points(pair, RATES)
        yield Measure("evidence_balanced_accuracy", best, n=n, at={"attack": attack})
        for rate, share in points.items():
            yield Measure("evidence_tpr", share, n=n, at={"attack": attack, "fpr": rate})


def estimated(pair: Pair, nulls: list[Pair]) -> tuple[Estimate, Null]:
    """Estimate and null: chance where nothing was retrained."""
    return against(pair, nulls) if nulls else (of_rows(pair), CHANCE)
