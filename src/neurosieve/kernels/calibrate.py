"""Ranges of activations for 8-bit integers, from histograms over [-limit, limit] with equal bins.

`percentile_range` leaves out a share of the values on either side; `entropy_limit` cuts both tails where the
histogram, rounded to a number of levels, loses least information (Kullback-Leibler divergence, Migacz 2017).
"""

from __future__ import annotations

import numpy as np
from numba import njit

TINY = 1e-30
"""Below this the width of a bin is no number of single precision: such values are zeros."""
FLOOR = 1e-9
"""Probability given to a bin that rounding left empty, so that the divergence stays finite."""


def histogram(values: np.ndarray, limit: float, bins: int) -> np.ndarray:
    """Counts [bins] of finite values within [-limit, limit]; all in the middle bin where limit is 0, or nearly."""
    if limit < TINY:
        return np.bincount([bins // 2], weights=[values.size], minlength=bins).astype(np.int64)
    places = (values.reshape(-1) + np.float32(limit)) * np.float32(bins / (2 * limit))
    return np.bincount(np.clip(places.astype(np.int64), 0, bins - 1), minlength=bins)


def percentile_range(counts: np.ndarray, limit: float, percentile: float) -> tuple[float, float]:
    """The narrowest range of whole bins that leaves out at most (100 - percentile) / 200 of the values per side."""
    cut = (100.0 - percentile) / 200.0
    below = np.cumsum(counts) / counts.sum()
    above = np.cumsum(counts[::-1]) / counts.sum()
    width = 2 * limit / len(counts)
    first = int(np.searchsorted(below, cut, side="right"))
    last = len(counts) - int(np.searchsorted(above, cut, side="right"))
    return -limit + width * first, -limit + width * last


def entropy_limit(counts: np.ndarray, limit: float, levels: int = 256) -> float:
    """The limit <= `limit` at which the histogram [bins], bins even and above `levels`, diverges least when rounded."""
    half = len(counts) // 2
    return limit * int(_least_divergent(np.asarray(counts, np.float64), levels)) / half


@njit(cache=True)
def _least_divergent(counts: np.ndarray, levels: int) -> int:
    """Bins kept on each side of 0."""
    half, total = counts.size // 2, counts.sum()
    best, least = half, np.inf
    for kept in range(levels // 2, half + 1):
        start, stop = half - kept, half + kept
        clipped = counts[start:stop].copy()
        clipped[0] += counts[:start].sum()
        clipped[-1] += counts[stop:].sum()
        merged, inside = (stop - start) // levels, counts[start:stop].sum()
        divergence = 0.0
        for level in range(levels):
            a = level * merged
            b = a + merged if level < levels - 1 else stop - start
            occupied = np.count_nonzero(clipped[a:b])
            if occupied:
                mean = counts[start + a : start + b].sum() / occupied / max(inside, 1.0)
                for value in clipped[a:b]:
                    if value > 0:
                        divergence += value / total * np.log(value / total / max(mean, FLOOR))
        if divergence < least:
            best, least = kept, divergence
    return best
