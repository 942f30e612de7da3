"""Selective synaptic dampening of a flat parameter vector in one pass (Foster et al. 2024, equations 3 and 4).

A weight is selected where I_f > alpha * I (strict) and multiplied by min(lambda * I / I_f, 1). Comparisons and
ratios are taken in double precision, so that they do not depend on the vector's own precision.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def dampen(
    theta: np.ndarray,
    importance: np.ndarray,
    importance_forget: np.ndarray,
    alpha: float,
    lambda_: float,
    zero: bool,
    bounds: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dampen `theta` [n] in place, segment by segment, and count.

    `importance` and `importance_forget` [n] are those of all rows and of the forget rows; `zero` sets selected
    weights to 0 instead; `bounds` [segments + 1] are the segments' borders, from 0 to n. Returns per segment
    the number selected, the sum of their factors beta and the smallest beta (1 where none was selected).
    """
    segments = bounds.size - 1
    selected = np.zeros(segments, np.int64)
    total = np.zeros(segments, np.float64)
    smallest = np.ones(segments, np.float64)
    for s in range(segments):
        count, beta_sum, beta_min = 0, 0.0, 1.0
        for i in range(bounds[s], bounds[s + 1]):
            full, part = float(importance[i]), float(importance_forget[i])
            if part > alpha * full:
                beta = 0.0 if zero else min(lambda_ * full / part, 1.0)
                theta[i] = theta[i] * beta
                count += 1
                beta_sum += beta
                beta_min = min(beta_min, beta)
        selected[s], total[s], smallest[s] = count, beta_sum, beta_min
    return selected, total, smallest


def dampen_reference(
    theta: np.ndarray,
    importance: np.ndarray,
    importance_forget: np.ndarray,
    alpha: float,
    lambda_: float,
    zero: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The same by whole-array operations, not in place: dampened weights [n] and what was selected [n]."""
    full, part = importance.astype(np.float64), importance_forget.astype(np.float64)
    selected = part > alpha * full
    ratio = np.divide(lambda_ * full, part, out=np.ones_like(full), where=selected)
    beta = np.where(selected, 0.0 if zero else np.minimum(ratio, 1.0), 1.0)
    return (theta * beta).astype(theta.dtype), selected


@njit(cache=True)
def dampen_grid(
    theta: np.ndarray, importance: np.ndarray, importance_forget: np.ndarray, alphas: np.ndarray, lambdas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Dampened copies [points, n] of `theta` [n] for pairs of alpha and lambda [points], and counts selected [points].

    One pass over the weights: a weight whose ratio I_f / I is at most the smallest alpha is only copied.
    """
    points, n = alphas.size, theta.size
    result, selected = np.empty((points, n), theta.dtype), np.zeros(points, np.int64)
    least = alphas.min()
    for i in range(n):
        full, part = float(importance[i]), float(importance_forget[i])
        if not part > least * full:
            for p in range(points):
                result[p, i] = theta[i]
            continue
        for p in range(points):
            if part > alphas[p] * full:
                result[p, i] = theta[i] * min(lambdas[p] * full / part, 1.0)
                selected[p] += 1
            else:
                result[p, i] = theta[i]
    return result, selected
