"""Selecting by rank: exact counts, stable at ties."""

from __future__ import annotations

import numpy as np


def first_smallest(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k smallest scores; among equals the first. Linear in their number."""
    if k == 0:
        return np.empty(0, np.int64)
    threshold = np.partition(scores, k - 1)[k - 1]
    below = np.flatnonzero(scores < threshold)
    return np.concatenate([below, np.flatnonzero(scores == threshold)[: k - len(below)]])
