"""The rule by which a setting of a corrective method is chosen, blind to what nobody identified.

Score = accuracy on validation rows - max(0, share - floor - 0.05), share = identified rows still predicted as their bad
label. The floor is what a corrected model gives rightly: 1 / classes where all identified rows carry one label (poison:
about that many of them truly are of its class), else 0 (confusion).
"""

from __future__ import annotations

import numpy as np

SLACK = 0.05


def score(accuracy: float, share: float, floor: float) -> float:
    """The score of a setting, in shares of rows."""
    return accuracy - max(0.0, share - floor - SLACK)


def floor_of(labels: np.ndarray, classes: int) -> float:
    """The floor for identified rows with these bad labels [rows]."""
    return 1.0 / classes if len(np.unique(labels)) == 1 else 0.0
