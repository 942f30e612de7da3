"""Statistics of ranks."""

from __future__ import annotations

import numpy as np


def auc(higher: np.ndarray, lower: np.ndarray) -> float:
    """Probability that one of `higher` [n] lies above one of `lower` [m]; ties count one half (Mann-Whitney)."""
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, side="left")
    ties = np.searchsorted(ordered, higher, side="right") - below
    return float((below + ties / 2).mean() / len(ordered))
