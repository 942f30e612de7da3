"""Coupled Poisson neurons in several states: history regressors, rates, log-likelihoods and their gradients.

Axes: ... any, T time bins, N neurons, S states, K taps. Rates are f = link(b + W_s c) with regressors
c_t = sum_k phi_k x_{t-k} (strictly past bins, zeros before the first); weights are indexed [state, post, pre]. The
log-likelihood of a count is x ln(f + 1e-8) - f - ln x!.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numba import njit

Link = Literal["sigmoid", "softplus", "exp"]
LINKS: tuple[Link, ...] = ("sigmoid", "softplus", "exp")
SIGMOID, SOFTPLUS, EXP = range(3)
EPS = 1e-8


def taps(count: int) -> np.ndarray:
    """phi [K] proportional to exp(-k), summing to one; the first belongs to the bin just before."""
    phi = np.exp(-np.arange(1.0, count + 1))
    return phi / phi.sum()


def regressors(counts: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """c [..., T, N] of counts [..., T, N]."""
    found = np.zeros(counts.shape)
    for k, weight in enumerate(phi, start=1):
        found[..., k:, :] += weight * counts[..., :-k, :]
    return found


def rate(drive: np.ndarray, link: Link) -> np.ndarray:
    """f of b + W c, elementwise."""
    if link == "exp":
        return np.exp(drive)
    shrunk = np.exp(-np.abs(drive))
    if link == "softplus":
        return np.maximum(drive, 0) + np.log1p(shrunk)
    return np.where(drive >= 0, 1.0, shrunk) / (1 + shrunk)


def inverse(rates: np.ndarray, link: Link) -> np.ndarray:
    """The drive that gives these rates (sigmoid: rates below 1)."""
    if link == "exp":
        return np.log(rates)
    return np.log(np.expm1(rates)) if link == "softplus" else np.log(rates / (1 - rates))


def drives(c: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """b + W_s c [S, M, N] of regressors [M, N], weights [S, N, N] and bias [N] or [S, N]."""
    return np.matmul(c, weight.swapaxes(-1, -2)) + (bias if bias.ndim == 1 else bias[:, None])


def log_likelihood(counts: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """log p(x | f), elementwise, with the factorial."""
    from scipy.special import gammaln

    return counts * np.log(rates + EPS) - rates - gammaln(counts + 1)


def emission(counts: np.ndarray, c: np.ndarray, weight: np.ndarray, bias: np.ndarray, link: Link) -> np.ndarray:
    """log p(x_t | z = s) [..., T, S], summed over neurons, of counts and regressors [..., T, N]."""
    n = counts.shape[-1]
    found = log_likelihood(counts.reshape(-1, n), rate(drives(c.reshape(-1, n), weight, bias), link)).sum(axis=-1)
    return np.ascontiguousarray(found.T).reshape(*counts.shape[:-1], len(weight))


def gradient(
    counts: np.ndarray, c: np.ndarray, gamma: np.ndarray, weight: np.ndarray, bias: np.ndarray, link: Link
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients by W [S, N, N] and b (its own shape) of sum_t sum_s gamma_ts log p(x_t | z = s).

    Counts and regressors [M, N], gamma [M, S]: one product of matrices per state.
    """
    error = drives(c, weight, bias)
    _score(error, counts, gamma, LINKS.index(link))
    by_bias = error.sum(axis=1)
    return np.matmul(error.swapaxes(1, 2), c), by_bias.sum(axis=0) if bias.ndim == 1 else by_bias


@njit(cache=True)
def _score(drive: np.ndarray, counts: np.ndarray, gamma: np.ndarray, link: int) -> None:
    """Turn drives [S, M, N] into gamma (x / f - 1) df / d drive, in place and in one pass."""
    states, rows, neurons = drive.shape
    for s in range(states):
        for m in range(rows):
            share = gamma[m, s]
            for n in range(neurons):
                u = drive[s, m, n]
                e = np.exp(u if link == EXP else -abs(u))
                sigma = (1.0 if u >= 0 else e) / (1 + e)
                if link == SIGMOID:
                    f, by = sigma, sigma * (1 - sigma)
                elif link == SOFTPLUS:
                    f, by = max(u, 0.0) + np.log1p(e), sigma
                else:
                    f, by = e, e
                drive[s, m, n] = share * (counts[m, n] / (f + EPS) - 1) * by
