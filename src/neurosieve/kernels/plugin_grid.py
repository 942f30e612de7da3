"""Every plug-in average of the average effect over learners of three roles, and the rule that chooses one triple.

Triples (k, l, j): learner k gives f, l gives m and D in the leading factor, j the outcome side beta, eta and omega
(`kernels.influence_function`). The mixed-minimax rule (Cui and Tchetgen Tchetgen 2019, here for three roles): if two
of the roles are right, the estimate does not move when the third is perturbed.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def averages(
    z: np.ndarray,
    a: np.ndarray,
    y: np.ndarray,
    f: np.ndarray,
    m: np.ndarray,
    difference: np.ndarray,
    beta: np.ndarray,
    eta: np.ndarray,
    omega: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of Phi over rows, and its sum of squares around the mean, of every triple [K, L, J].

    z, a, y [n]; f [K, n]; m [L, 2, n] and D [L, n]; beta, eta [J, n], omega [J, 2, n].
    """
    learners, middle, last, n = len(f), len(m), len(beta), len(z)
    mean, squares = np.zeros((learners, middle, last)), np.zeros((learners, middle, last))
    for i in range(n):
        own = 1 if z[i] == 1 else 0
        for j in range(last):
            residual = y[i] - beta[j, i] * a[i] - omega[j, own, i]
            for l in range(middle):  # noqa: E741 - the name of the role's index in the paper
                product = ((a[i] - m[l, own, i]) * residual - eta[j, i]) / difference[l, i]
                for k in range(learners):
                    weight = 1.0 / f[k, i] if own else -1.0 / (1.0 - f[k, i])
                    off = weight * product + beta[j, i] - mean[k, l, j]
                    mean[k, l, j] += off / (i + 1)
                    squares[k, l, j] += off * (weight * product + beta[j, i] - mean[k, l, j])
    return mean, squares


def risk(psi: np.ndarray) -> np.ndarray:
    """Pseudo-risk of every cell of estimates [S, role, role, ...]: per role, the others fixed, the largest mean over
    splits of the squared difference of two of its learners; the roles' largest are added up."""
    total = np.zeros(psi.shape[1:])
    for axis in range(1, psi.ndim):
        lined = np.moveaxis(psi, axis, -1)
        largest = ((lined[..., :, None] - lined[..., None, :]) ** 2).mean(axis=0).max(axis=(-1, -2))
        total += np.expand_dims(largest, axis - 1)
    return total


def safest(psi: np.ndarray) -> tuple[int, ...]:
    """The cell of smallest pseudo-risk, the first of equals."""
    return tuple(int(i) for i in np.unravel_index(risk(psi).argmin(), psi.shape[1:]))


def over_splits(psi: np.ndarray, se: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Estimate (mean over splits) and standard error sqrt(median of se^2 + (psi - median psi)^2), of [S, ...]."""
    spread = se**2 + (psi - np.median(psi, axis=0)) ** 2
    return psi.mean(axis=0), np.sqrt(np.median(spread, axis=0))
