"""Whether a classifier's outputs stand in another order than the labels: the likeliest slip with folders of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GAIN = 0.2
"""Share of rows that another order of the classes must win before it is named."""
SURE = 2.0
"""Standard errors above agreement by chance at which a model is believed to know something."""


@dataclass(frozen=True)
class Agreement:
    """Of n rows: the share answered right, the share that chance gives, and the order that would answer most.

    `order` holds for each output the label that it seems to stand for; None where no other order wins `GAIN`.
    """

    right: float
    chance: float
    n: int
    order: tuple[int, ...] | None
    in_order: float

    @property
    def guesses(self) -> bool:
        """No better than chance: the sum over classes of (share of labels) x (share of answers)."""
        return self.right <= self.chance + SURE * (self.chance * (1 - self.chance) / self.n) ** 0.5

    @property
    def permuted(self) -> bool:
        return self.guesses or self.order is not None


def agreement(labels: np.ndarray, logits: np.ndarray) -> Agreement:
    """Labels [rows] against logits [rows, classes]."""
    from scipy.optimize import linear_sum_assignment

    said, classes, n = logits.argmax(axis=1), logits.shape[1], len(labels)
    counts = np.zeros((classes, classes))
    np.add.at(counts, (labels, said), 1)
    right = float(np.trace(counts)) / n
    chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / n**2
    truth, outputs = linear_sum_assignment(-counts)
    best = float(counts[truth, outputs].sum()) / n
    named = best >= right + GAIN and best > 0.5
    order = tuple(int(truth[np.argsort(outputs)][output]) for output in range(classes)) if named else None
    return Agreement(right, chance, n, order, best)
