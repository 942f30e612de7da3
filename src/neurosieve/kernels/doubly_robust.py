"""Doubly robust scores that take the instrument to be valid, or the treatment to be unconfounded: LATE and AIPW.

Predictions out of fold, rows n; scores are pooled over all rows. Standard errors divide by n.
"""

from __future__ import annotations

import numpy as np


def arm_difference(arm: np.ndarray, y: np.ndarray, share: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Score of E[Y|arm 1] - E[Y|arm 0] of every row [n]: `share` = P(arm = 1|x), `low`, `high` = E[Y|arm, x]."""
    return high - low + arm * (y - high) / share - (1 - arm) * (y - low) / (1 - share)


def aipw(a: np.ndarray, y: np.ndarray, share: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[float, float]:
    """Average effect of an unconfounded treatment, and its standard error."""
    score = arm_difference(a, y, share, low, high)
    return float(score.mean()), float(score.std() / np.sqrt(len(score)))


def late(
    z: np.ndarray,
    a: np.ndarray,
    y: np.ndarray,
    f: np.ndarray,
    outcome: tuple[np.ndarray, np.ndarray],
    treated: tuple[np.ndarray, np.ndarray],
) -> tuple[float, float]:
    """Effect among those whom a valid instrument moves, and its standard error: a ratio of two pooled means.

    f = P(Z=1|x); outcome = E[Y|z, x], treated = P(A=1|z, x), at z = 0 and 1.
    """
    on_y, on_a = arm_difference(z, y, f, *outcome), arm_difference(z, a, f, *treated)
    effect = on_y.mean() / on_a.mean()
    return float(effect), float((on_y - effect * on_a).std() / abs(on_a.mean()) / np.sqrt(len(y)))
