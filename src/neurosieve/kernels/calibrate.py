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
ROUNDING = 1e-12
"""Divergences (nats) nearer than this are equal."""


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
    """Bins kept on each side of 0.

    Sums over bins are differences of running sums; only the two end bins, which take the tails, differ from `counts`.
    """
    half, total = counts.size // 2, counts.sum()
    masses, occupied, logs = np.zeros(counts.size + 1), np.zeros(counts.size + 1), np.zeros(counts.size + 1)
    for place, value in enumerate(counts):
        masses[place + 1] = masses[place] + value
        occupied[place + 1] = occupied[place] + (value > 0)
        logs[place + 1] = logs[place] + _share_log(value, total)
    best, least = half, np.inf
    for kept in range(levels // 2, half + 1):
        start, stop = half - kept, half + kept
        first, last = masses[start + 1], total - masses[stop - 1]
        merged, inside = (stop - start) // levels, masses[stop] - masses[start]
        divergence = 0.0
        for level in range(levels):
            a = start + level * merged
            b = a + merged if level < levels - 1 else stop
            mass, bins, log = masses[b] - masses[a], occupied[b] - occupied[a], logs[b] - logs[a]
            clipped = mass
            if level == 0:
                clipped, bins, log = _exchanged(clipped, bins, log, counts[start], first, total)
            if level == levels - 1:
                clipped, bins, log = _exchanged(clipped, bins, log, counts[stop - 1], last, total)
            if bins > 0:
                divergence += log - clipped / total * np.log(max(mass / bins / max(inside, 1.0), FLOOR))
        if divergence < least - ROUNDING:  # the narrowest of equals
            best, least = kept, divergence
    return best


@njit(cache=True)
def _share_log(value: float, total: float) -> float:
    """p ln p of a share p = value / total; 0 of none."""
    return value / total * np.log(value / total) if value > 0 else 0.0


@njit(cache=True)
def _exchanged(
    mass: float, bins: float, log: float, old: float, new: float, total: float
) -> tuple[float, float, float]:
    """The three sums after one of the bins holds `new` in place of `old`."""
    return (
        mass - old + new,
        bins - (old > 0) + (new > 0),
        log - _share_log(old, total) + _share_log(new, total),
    )
