"""The Gumbel-softmax distribution on a simplex (Maddison et al. 2017, Jang et al. 2017): density, gradients, samples.

Classes lie on the last axis. `log_density` takes ln a and ln pi, so that points near a corner keep their precision.
"""

from __future__ import annotations

from math import lgamma, log

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """ln of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def log_density(log_a: np.ndarray, log_pi: np.ndarray, tau: float) -> np.ndarray:
    """ln p(a | pi, tau) [...] of points and priors [..., k], both as logarithms."""
    k = log_a.shape[-1]
    mixed = log_pi - tau * log_a
    top = mixed.max(axis=-1)
    summed = top + np.log(np.exp(mixed - top[..., None]).sum(axis=-1))
    return lgamma(k) + (k - 1) * log(tau) - k * summed + (mixed - log_a).sum(axis=-1)


def gradient(log_a: np.ndarray, log_pi: np.ndarray, tau: float) -> tuple[np.ndarray, np.ndarray]:
    """Gradients [..., k] of `log_density` by the logits of a and by those of pi, each through its softmax."""
    k = log_a.shape[-1]
    share = np.exp(log_softmax(log_pi - tau * log_a))
    by_a, by_pi = k * tau * share - (tau + 1), 1 - k * share
    return through_log_softmax(by_a, log_a), through_log_softmax(by_pi, log_pi)


def through_log_softmax(by_log: np.ndarray, log_a: np.ndarray) -> np.ndarray:
    """The gradient by logits, from that by the logarithms of their softmax."""
    return by_log - np.exp(log_a) * by_log.sum(axis=-1, keepdims=True)


def through_softmax(by_a: np.ndarray, a: np.ndarray) -> np.ndarray:
    """The gradient by logits, from that by their softmax."""
    return a * (by_a - (a * by_a).sum(axis=-1, keepdims=True))
