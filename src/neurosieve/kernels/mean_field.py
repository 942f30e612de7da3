"""Mean-field magnetisations of P-body memories: the Plefka expansion at first order, at second for pairs.

x_i <- tanh(beta [h_i(x) - beta x_i sum_j J_ij^2 (1 - x_j^2)]) with a = E^T x and
h_i(x) = scale sum_mu E_{i mu} ((a_mu - E_{i mu} x_i) / N)^(P-1). The second term (Thouless, Anderson and Palmer) is for
P = 2 alone, where J = scale E E^T / N.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosieve.kernels.glauber import power


@njit(cache=True, fastmath=True)
def _field(row: np.ndarray, overlaps: np.ndarray, own: float, order: int, n: float) -> float:
    total = 0.0
    if order == 4:
        for mu in range(row.size):
            rest = (overlaps[mu] - row[mu] * own) / n
            total += row[mu] * rest * rest * rest
        return total
    for mu in range(row.size):
        rest = (overlaps[mu] - row[mu] * own) / n
        total += row[mu] * (rest if order == 2 else rest * power(rest, order - 2))
    return total


@njit(cache=True)
def iterate(
    couplings: np.ndarray,
    start: np.ndarray,
    order: int,
    scale: float,
    beta: float,
    damping: float,
    tolerance: float,
    most: int,
    sequential: bool,
    second: bool,
) -> tuple[np.ndarray, int]:
    """Magnetisations [N] from `start` [N], and the iterations it took: until none moves by `tolerance`, at most `most`.

    `damping` is the share of the old value; `sequential` uses each new value at once, else all move together.
    """
    n = start.size
    x = start.copy()
    squares = (scale * couplings @ couplings.T / n) ** 2 if second else np.zeros((1, 1))
    for number in range(1, most + 1):
        overlaps = couplings.T @ x
        before = x.copy()
        for i in range(n):
            row = couplings[i]
            h = scale * _field(row, overlaps, before[i], order, float(n))
            if second:
                seen = x if sequential else before
                reaction = 0.0
                for j in range(n):
                    if j != i:
                        reaction += squares[i, j] * (1.0 - seen[j] * seen[j])
                h -= beta * before[i] * reaction
            x[i] = damping * before[i] + (1.0 - damping) * np.tanh(beta * h)
            if sequential:
                for mu in range(overlaps.size):
                    overlaps[mu] += row[mu] * (x[i] - before[i])
        if np.abs(x - before).max() < tolerance:
            return x, number
    return x, most
