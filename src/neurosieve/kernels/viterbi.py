"""The most probable sequence of states of hidden Markov models (Viterbi 1967), many sequences of one length.

Axes and arguments as in `kernels.forward_backward`: `emission` [B, T, S], log Pi[from, to], log of the first state.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def viterbi(emission: np.ndarray, log_transition: np.ndarray, log_initial: np.ndarray) -> np.ndarray:
    """States [B, T]; of sequences that are equally probable the one with the lower state, decided from the end."""
    sequences, bins, states = emission.shape
    path, came = np.empty((sequences, bins), np.int64), np.empty((bins, states), np.int64)
    score, ahead, into = np.empty(states), np.empty(states), log_transition.T.copy()
    for b in range(sequences):
        score[:] = log_initial + emission[b, 0]
        for t in range(1, bins):
            for s in range(states):
                best, top = 0, score[0] + into[s, 0]
                for r in range(1, states):
                    value = score[r] + into[s, r]
                    if value > top:
                        best, top = r, value
                came[t, s] = best
                ahead[s] = top + emission[b, t, s]
            score[:] = ahead
        path[b, bins - 1] = np.argmax(score)
        for t in range(bins - 1, 0, -1):
            path[b, t - 1] = came[t, path[b, t]]
    return path
