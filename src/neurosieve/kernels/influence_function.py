"""The efficient influence function of the average effect with an invalid instrument, and the pieces it is made of.

Sun, Cui and Tchetgen Tchetgen (JMLR 2022): Phi = (2Z-1) / (f(Z|X) D(X)) {(A - m(Z,X)) (Y - beta(X) A - omega(Z,X)) -
eta(X)} + beta(X), whose mean is the effect. Rows n come last; any axes may stand before them. f is P(Z=1|X), m [2, n]
P(A=1|z, x), D = m_1 (1 - m_1) - m_0 (1 - m_0), the difference that the instrument makes to the variance of treatment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Outcome(NamedTuple):
    """Outcome side: beta, eta [..., n], omega [..., 2, n]."""

    beta: np.ndarray
    eta: np.ndarray
    omega: np.ndarray


def at(z: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Of values at z = 0 and 1 [..., 2, n] those at each row's own z [..., n]."""
    return np.where(z == 1, pair[..., 1, :], pair[..., 0, :])


def variance_difference(m: np.ndarray, least: float = 0.0) -> np.ndarray:
    """D [..., n] of m [..., 2, n], held at `least` or more away from 0 on the side of its mean over the rows."""
    variance = m * (1 - m)
    difference = variance[..., 1, :] - variance[..., 0, :]
    if not least:
        return difference
    sign = np.where(difference.mean(axis=-1, keepdims=True) < 0, -1.0, 1.0)
    return sign * np.maximum(sign * difference, least)


def weak(m: np.ndarray, least: float) -> np.ndarray:
    """Share of rows [...] whose D is smaller than `least` or of the other sign than its mean, of m [..., 2, n]."""
    return (variance_difference(m) != variance_difference(m, least)).mean(axis=-1)


def outcome_side(m: np.ndarray, g: np.ndarray, least: float = 0.0, most: float = np.inf) -> Outcome:
    """beta, eta and omega from m [..., 2, n] and g [..., a, z, n] = E[Y|a, z, x]; |beta| is held to `most`.

    C_z = V_z (g(1,z) - g(0,z)), beta = (C_1 - C_0) / D, eta = C_1 - beta V_1, omega_z = E[Y|z] - beta m_z.
    """
    variance = m * (1 - m)
    covariance = variance * (g[..., 1, :, :] - g[..., 0, :, :])
    beta = (covariance[..., 1, :] - covariance[..., 0, :]) / variance_difference(m, least)
    beta = np.clip(beta, -most, most)
    mean = m * g[..., 1, :, :] + (1 - m) * g[..., 0, :, :]
    eta = covariance[..., 1, :] - beta * variance[..., 1, :]
    return Outcome(beta, eta, mean - beta[..., None, :] * m)


def influence(
    z: np.ndarray,
    a: np.ndarray,
    y: np.ndarray,
    f: np.ndarray,
    m: np.ndarray,
    difference: np.ndarray,
    outcome: Outcome,
) -> np.ndarray:
    """Phi of every row [..., n]."""
    rest = (a - at(z, m)) * (y - outcome.beta * a - at(z, outcome.omega)) - outcome.eta
    return (2 * z - 1) / (np.where(z == 1, f, 1 - f) * difference) * rest + outcome.beta
