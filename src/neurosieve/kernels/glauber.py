"""Spin dynamics of P-body memories through their overlaps: exact single-spin fields, never a tensor.

H = -scale (N/P) sum_mu (a_mu / N)^P with overlaps a_mu = sum_i E_{i mu} s_i (Agliari et al., arXiv 2212.00606). E is
[N, K] and row-major, so that a spin's row is contiguous; spins are -1 and +1. A field is half the energy difference of
both values of a spin, all powers of the spin's own part handled. Powers 2, 4, 6 and 8 are unrolled.
"""

from __future__ import annotations

import numpy as np
from numba import njit

TIE = 1e-12
"""Fields smaller than this, absolutely, keep the spin at temperature 0."""


@njit(cache=True, inline="always")
def power(x: float, order: int) -> float:
    """x to a positive whole power."""
    square = x * x
    if order == 2:
        return square
    if order == 4:
        return square * square
    if order == 6:
        return square * square * square
    if order == 8:
        return (square * square) * (square * square)
    product = 1.0
    for _ in range(order):
        product *= x
    return product


@njit(cache=True, fastmath=True)
def _difference2(row: np.ndarray, overlaps: np.ndarray, own: float, n: float) -> float:
    total = 0.0
    for mu in range(row.size):
        total += row[mu] * (overlaps[mu] - row[mu] * own)
    return 4.0 * total / (n * n)


@njit(cache=True, fastmath=True)
def _difference4(row: np.ndarray, overlaps: np.ndarray, own: float, n: float) -> float:
    total = 0.0
    for mu in range(row.size):
        e, rest = row[mu] / n, (overlaps[mu] - row[mu] * own) / n
        total += e * rest * (rest * rest + e * e)
    return 8.0 * total


@njit(cache=True, fastmath=True)
def _difference6(row: np.ndarray, overlaps: np.ndarray, own: float, n: float) -> float:
    total = 0.0
    for mu in range(row.size):
        e, rest = row[mu] / n, (overlaps[mu] - row[mu] * own) / n
        total += power(rest + e, 6) - power(rest - e, 6)
    return total


@njit(cache=True, fastmath=True)
def _difference8(row: np.ndarray, overlaps: np.ndarray, own: float, n: float) -> float:
    total = 0.0
    for mu in range(row.size):
        e, rest = row[mu] / n, (overlaps[mu] - row[mu] * own) / n
        total += power(rest + e, 8) - power(rest - e, 8)
    return total


@njit(cache=True)
def _difference(row: np.ndarray, overlaps: np.ndarray, own: float, order: int, n: float) -> float:
    """Sum over mu of ((rest + e) / n)^P - ((rest - e) / n)^P, rest being the overlap without the spin."""
    if order == 2:
        return _difference2(row, overlaps, own, n)
    if order == 4:
        return _difference4(row, overlaps, own, n)
    if order == 6:
        return _difference6(row, overlaps, own, n)
    if order == 8:
        return _difference8(row, overlaps, own, n)
    total = 0.0
    for mu in range(row.size):
        rest = overlaps[mu] - row[mu] * own
        total += power((rest + row[mu]) / n, order) - power((rest - row[mu]) / n, order)
    return total


@njit(cache=True)
def energy(couplings: np.ndarray, state: np.ndarray, order: int, scale: float) -> float:
    """H of a state [N] under couplings E [N, K]."""
    n = state.size
    overlaps = couplings.T @ state
    total = 0.0
    for mu in range(overlaps.size):
        total += power(overlaps[mu] / n, order)
    return -scale * n / order * total


@njit(cache=True)
def fields(couplings: np.ndarray, state: np.ndarray, order: int, scale: float) -> np.ndarray:
    """Every spin's field [N] in a state [N]; it does not depend on the spin itself."""
    n = state.size
    overlaps = couplings.T @ state
    found = np.empty(n)
    for i in range(n):
        found[i] = scale * n / (2.0 * order) * _difference(couplings[i], overlaps, state[i], order, float(n))
    return found


@njit(cache=True)
def update(couplings: np.ndarray, state: np.ndarray, order: int, scale: float) -> np.ndarray:
    """All spins [N] once, at the same time, at temperature 0."""
    found = fields(couplings, state, order, scale)
    after = state.copy()
    for i in range(state.size):
        if abs(found[i]) >= TIE * scale:
            after[i] = 1.0 if found[i] > 0 else -1.0
    return after


@njit(cache=True)
def run(
    couplings: np.ndarray,
    start: np.ndarray,
    order: int,
    scale: float,
    beta: float,
    sites: np.ndarray,
    draws: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Spins `sites` [sweeps, steps] are updated in turn from the state `start` [N].

    At inverse temperature `beta` a spin is +1 if its draw [sweeps, steps] in [0, 1) is below 1 / (1 + exp(-2 beta h));
    an infinite beta takes the sign of h, reads no draws and keeps the spin where h is 0.
    Returns the state after each sweep [sweeps, N] and the fields at each update [sweeps, steps].
    """
    n = start.size
    state = start.copy()
    states, found = np.empty((sites.shape[0], n)), np.empty(sites.shape)
    cold = np.isinf(beta)
    for sweep in range(sites.shape[0]):
        overlaps = couplings.T @ state
        for step in range(sites.shape[1]):
            i = sites[sweep, step]
            row = couplings[i]
            h = scale * n / (2.0 * order) * _difference(row, overlaps, state[i], order, float(n))
            found[sweep, step] = h
            if cold:
                spin = state[i] if abs(h) < TIE * scale else (1.0 if h > 0 else -1.0)
            else:
                spin = 1.0 if draws[sweep, step] < 1.0 / (1.0 + np.exp(-2.0 * beta * h)) else -1.0
            if spin != state[i]:
                for mu in range(overlaps.size):
                    overlaps[mu] += row[mu] * (spin - state[i])
                state[i] = spin
        states[sweep] = state
    return states, found


@njit(cache=True)
def relax(couplings: np.ndarray, starts: np.ndarray, order: int, scale: float, sites: np.ndarray) -> np.ndarray:
    """Many states [runs, N] after sweeps at temperature 0; run r visits `sites[r]` [runs, sweeps, steps].

    A run ends early once a sweep changes nothing, where a sweep visits every site.
    """
    n = starts.shape[1]
    ends = starts.copy()
    for r in range(starts.shape[0]):
        state = ends[r]
        overlaps = couplings.T @ state
        for sweep in range(sites.shape[1]):
            changed = False
            for step in range(sites.shape[2]):
                i = sites[r, sweep, step]
                row = couplings[i]
                h = _difference(row, overlaps, state[i], order, float(n)) * n / (2.0 * order)
                if abs(h) >= TIE and (h > 0) != (state[i] > 0):
                    for mu in range(overlaps.size):
                        overlaps[mu] -= 2.0 * row[mu] * state[i]
                    state[i] = -state[i]
                    changed = True
            if not changed and sites.shape[2] == n:
                break
    return ends


def sites(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Which spins are updated, `shape` [..., N]: every one once per sweep (`permutation`) or any (`random_site`)."""
    if kind == "random_site":
        return rng.integers(0, shape[-1], shape)
    return np.ascontiguousarray(rng.permuted(np.broadcast_to(np.arange(shape[-1]), shape), axis=-1))
