"""Formulas for P-body memories of K = alpha N^(P-1) archetypes, learned from M examples of quality r.

rho = (1 - r^2) / (M r^2) is the entropy of the data set, R = r^2 (1 + rho). Exact patterns have rho = 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


def entropy(quality: float, examples: int) -> float:
    """rho. Raises ValueError for a quality outside (0, 1] or fewer than one example."""
    if not 0 < quality <= 1 or examples < 1:
        raise ValueError(f"quality {quality} must lie in (0, 1], examples {examples} be at least 1")
    return (1 - quality**2) / (examples * quality**2)


def second_moment(quality: float, examples: int) -> float:
    """R, the mean square of an example mean."""
    return quality**2 * (1 + entropy(quality, examples))


def one_step(order: int, alpha: float, rho: float) -> float:
    """Overlap after one update of all spins from the archetype, at temperature 0 (signal to noise, N to infinity)."""
    moment = math.prod(range(1, 2 * order - 2, 2))  # (2P-3)!!
    noise = rho + alpha * moment * (1 + rho) ** order
    return math.erf(1 / math.sqrt(2 * noise)) if noise > 0 else 1.0


def detection(spins: int, order: int, omega: float) -> float:
    """Overlap after one update where each entry of the tensor carries noise of standard deviation omega."""
    return math.erf(spins ** ((order - 1) / 2) / (omega * math.sqrt(2))) if omega > 0 else 1.0


def low_load(order: int, quality: float, examples: int, beta: float) -> tuple[float, float]:
    """n and m at K = O(1): the largest solution of n = E[e tanh(beta e n^(P-1))], m = E[tanh(beta e n^(P-1))].

    e = r + sqrt((1 - r^2) / M) z, the field not normalised; 0 and 0 where only the trivial solution exists.
    """
    z, weight = _gauss()
    e = quality + math.sqrt((1 - quality**2) / examples) * z

    def residual(n: float) -> float:
        return float(weight @ (e * np.tanh(beta * e * n ** (order - 1)))) - n

    n = _largest_root(residual, float(weight @ np.abs(e)))
    return (n, float(weight @ np.tanh(beta * e * n ** (order - 1)))) if n > 0 else (0.0, 0.0)


def saturated_pairs(alpha: float, temperature: float) -> tuple[float, float, float]:
    """m, q and the noise r_q of P = 2 with exact patterns (Amit, Gutfreund and Sompolinsky 1985), from m = 1 down.

    m = E tanh(beta (m + z sqrt(alpha r_q))), q = E tanh^2, r_q = q / (1 - beta (1 - q))^2; at temperature 0 q = 1.
    """
    if temperature == 0:
        return _saturated_cold(alpha)
    z, weight = _gauss()
    beta, m, q = 1 / temperature, 1.0, 1.0
    for _ in range(20_000):
        noise = q / (1 - beta * (1 - q)) ** 2
        t = np.tanh(beta * (m + z * math.sqrt(alpha * noise)))
        after = float(weight @ t), float(weight @ t**2)
        moved = max(abs(after[0] - m), abs(after[1] - q))
        m, q = after
        if moved < 1e-13:
            break
    return m, q, q / (1 - beta * (1 - q)) ** 2


def _saturated_cold(alpha: float) -> tuple[float, float, float]:
    """y = m / sqrt(2 alpha r_q) solves y (sqrt(2 alpha) + (2 / sqrt(pi)) exp(-y^2)) = erf(y)."""

    def residual(y: float) -> float:
        return math.erf(y) - y * (math.sqrt(2 * alpha) + 2 / math.sqrt(math.pi) * math.exp(-y * y))

    y = _largest_root(residual, 20.0 if alpha == 0 else 1 / math.sqrt(2 * alpha))
    m = math.erf(y)
    return (m, 1.0, m * m / (2 * alpha * y * y)) if y > 0 and alpha > 0 else (m, 1.0, 1.0)


def _gauss() -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of an average over a standard normal: a fine trapezoid, good for steep functions too."""
    z = np.linspace(-9, 9, 7201)
    weight = np.exp(-(z**2) / 2)
    return z, weight / weight.sum()


def _largest_root(residual: Callable[[float], float], high: float) -> float:
    """Where the residual first rises above 0 coming down from `high`; 0 if it nowhere does."""
    from scipy.optimize import root_scalar

    upper = high
    for lower in np.linspace(high, 0, 400, endpoint=False)[1:]:
        if residual(float(lower)) > 0:
            return float(root_scalar(residual, bracket=(lower, upper), xtol=1e-13).root)
        upper = float(lower)
    return 0.0
