"""Measures of arrays and of runs that order them: descents, displacement, detours that paid, clustering."""

from __future__ import annotations

import numpy as np


def descents(values: np.ndarray) -> np.ndarray:
    """Positions whose value is below the one to their left; values [..., n] of any integer type -> [...]."""
    return (values[..., 1:] < values[..., :-1]).sum(axis=-1)


def sortedness(values: np.ndarray) -> np.ndarray:
    """Percent of positions that do not break the order, the first one counted as right [...]."""
    n = values.shape[-1]
    return 100 * (n - descents(values)) / n


def displacement(values: np.ndarray) -> np.ndarray:
    """Sum over positions of |rank of the value - position| [...]; equal values rank in the order they stand."""
    ranks = np.argsort(np.argsort(values, axis=-1, kind="stable"), axis=-1, kind="stable")
    return np.abs(ranks - np.arange(values.shape[-1])).sum(axis=-1)


def aggregation(types: np.ndarray) -> np.ndarray:
    """Positions whose right neighbour has the same type, over n; types [..., n] -> [...]."""
    return (types[..., 1:] == types[..., :-1]).sum(axis=-1) / types.shape[-1]


def delayed_gratification(errors: np.ndarray) -> float:
    """Mean of (gain - loss) / loss over detours of an error curve [swaps]; 0 if there is none.

    Steps of one sign make a run. From the first worsening on, a worsening and the improvement after it are one detour;
    a worsening at the very end has no improvement and does not count.
    """
    steps = np.diff(errors.astype(np.int64))
    steps = steps[steps != 0]
    if steps.size == 0:
        return 0.0
    borders = np.flatnonzero(np.diff(np.sign(steps))) + 1
    runs = np.add.reduceat(steps, np.concatenate([[0], borders]))
    runs = runs[int(runs[0] < 0) :]
    loss, gain = runs[0 : runs.size // 2 * 2 : 2], -runs[1 : runs.size // 2 * 2 : 2]
    return float(((gain - loss) / loss).mean()) if loss.size else 0.0


def course(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values [swaps, ...] at shares `places` [k] of a run: the snapshot floor((swaps - 1) * place) [k, ...]."""
    return values[np.floor((len(values) - 1) * places).astype(np.int64)]
