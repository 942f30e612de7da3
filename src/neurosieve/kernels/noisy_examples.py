"""Archetypes in spins -1 and +1, and examples of them in which a spin is flipped with probability (1 - r) / 2."""

from __future__ import annotations

import numpy as np


def rademacher(archetypes: int, spins: int, rng: np.random.Generator) -> np.ndarray:
    """Fair spins int8 [archetypes, spins]."""
    return (2 * rng.integers(0, 2, (archetypes, spins), dtype=np.int8) - 1).astype(np.int8)


def examples(archetypes: np.ndarray, quality: float, times: int, rng: np.random.Generator) -> np.ndarray:
    """`times` noisy examples int8 [K, times, N] of archetypes [K, N]."""
    agree = rng.random((len(archetypes), times, archetypes.shape[1])) < (1 + quality) / 2
    return np.where(agree, archetypes[:, None], -archetypes[:, None]).astype(np.int8)


def sums(archetypes: np.ndarray, quality: float, times: int, rng: np.random.Generator) -> np.ndarray:
    """Sum of `times` examples [K, N] of archetypes [K, N], without drawing the examples.

    xi (2 n - M) with n ~ Bin(M, (1 + r) / 2), int8 where it fits, else int32.
    """
    kind = np.int8 if times < 128 else np.int32
    if quality == 1:
        return archetypes.astype(kind) * kind(times)
    agreeing = rng.binomial(times, (1 + quality) / 2, archetypes.shape)
    return (archetypes * (2 * agreeing - times)).astype(kind)
