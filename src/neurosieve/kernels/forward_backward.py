"""Inference in hidden Markov models: forward and backward passes in log space, many sequences of one length.

Axes: B sequences, T time bins, S states. `emission` [B, T, S] holds log p(x_t | z_t = s), `log_transition` [S, S] is
log Pi[from, to], `log_initial` [S] the log-distribution of the first state; entries of -inf (never) are allowed as
long as every sequence is possible. Everything is double precision; sequences of any length neither under- nor overflow.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NEAR = 600.0
"""Logarithms within +-NEAR are summed as plain numbers, S exponentials a step instead of S^2, others as they are."""


@njit(cache=True)
def forward_backward(
    emission: np.ndarray, log_transition: np.ndarray, log_initial: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Posteriors of the states [B, T, S], of pairs (from, to) summed over time [B, S, S], log-likelihoods [B]."""
    sequences, bins, states = emission.shape
    gamma, pairs, total = (
        np.empty((sequences, bins, states)),
        np.zeros((sequences, states, states)),
        np.empty(sequences),
    )
    alpha, gained = forward(emission, log_transition, log_initial)
    transition = np.exp(log_transition)
    after, there, term = np.empty(states), np.empty(states), np.empty(states)
    for b in range(sequences):
        beta = np.zeros(states)  # log p(x_t+1..x_T | z_t) - log p(x_t+1..x_T | x_1..x_t)
        total[b] = gained[b].sum()
        gamma[b, bins - 1] = np.exp(alpha[b, bins - 1])
        for t in range(bins - 2, -1, -1):
            for s in range(states):
                after[s] = emission[b, t + 1, s] + beta[s] - gained[b, t + 1]
            near = alpha[b, t].min() > -NEAR and after.max() < NEAR
            for s in range(states):
                there[s] = np.exp(after[s]) if near else 0.0
            for s in range(states):
                here, summed = np.exp(alpha[b, t, s]), 0.0
                for r in range(states):
                    if near:
                        step = transition[s, r] * there[r]
                        summed += step
                        pairs[b, s, r] += here * step
                    else:
                        term[r] = log_transition[s, r] + after[r]
                        pairs[b, s, r] += np.exp(alpha[b, t, s] + term[r])
                if near:
                    beta[s] = np.log(summed)
                    gamma[b, t, s] = here * summed
                else:
                    beta[s] = _log_sum(term)
                    gamma[b, t, s] = np.exp(alpha[b, t, s] + beta[s])
    return gamma, pairs, total


@njit(cache=True)
def forward(emission: np.ndarray, log_transition: np.ndarray, log_initial: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log p(z_t = s | x_1..x_t) [B, T, S], and log p(x_t | x_1..x_t-1) [B, T]."""
    sequences, bins, states = emission.shape
    alpha, gained = np.empty((sequences, bins, states)), np.empty((sequences, bins))
    transition, before, term = np.exp(log_transition), np.empty(states), np.empty(states)
    for b in range(sequences):
        alpha[b, 0] = log_initial + emission[b, 0]
        for t in range(bins):
            if t > 0:
                near = alpha[b, t - 1].min() > -NEAR
                for s in range(states):
                    before[s] = np.exp(alpha[b, t - 1, s])
                for s in range(states):
                    summed = 0.0
                    for r in range(states):
                        summed += before[r] * transition[r, s]
                        term[r] = alpha[b, t - 1, r] + log_transition[r, s]
                    alpha[b, t, s] = (np.log(summed) if near else _log_sum(term)) + emission[b, t, s]
            gained[b, t] = _log_sum(alpha[b, t])
            for s in range(states):
                alpha[b, t, s] -= gained[b, t]
    return alpha, gained


@njit(cache=True)
def _log_sum(values: np.ndarray) -> float:
    """log of the sum of exponentials; -inf where all are."""
    top = values.max()
    if top == -np.inf:
        return top
    total = 0.0
    for value in values:
        total += np.exp(value - top)
    return top + np.log(total)
