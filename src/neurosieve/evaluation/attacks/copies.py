"""Copies of the forget rows among the retained ones: what they leave in a model stays there."""

from __future__ import annotations

import hashlib

import numpy as np

BLOCK = 1024


def copies(forget: np.ndarray, retain: np.ndarray, near: float) -> tuple[int, int]:
    """Forget rows with an exact copy among retained rows, and those with a near-duplicate that is no copy.

    Near: root-mean-square difference of the inputs [rows, ...] at most `near` times the root mean square distance of
    the retained inputs from their mean. Inputs of whole numbers (tokens) have copies only.
    """
    held = set(map(_digest, retain))
    exact = np.array([_digest(row) in held for row in forget], bool)
    if not np.issubdtype(forget.dtype, np.floating) or not len(retain):
        return int(exact.sum()), 0
    a, b = (rows.reshape(len(rows), -1) for rows in (forget, retain))
    centre = b.mean(0, dtype=np.float64)
    a = a - centre  # small numbers: the expansion of the square below loses less
    nearest, total = np.full(len(a), np.inf), 0.0
    for i in range(0, len(b), BLOCK):
        part = b[i : i + BLOCK] - centre
        norms = (part**2).sum(1)
        total += float(norms.sum())
        nearest = np.minimum(nearest, ((a**2).sum(1)[:, None] + norms - 2 * a @ part.T).min(1))
    close = nearest <= near**2 * total / len(b)
    return int(exact.sum()), int((close & ~exact).sum())


def _digest(row: np.ndarray) -> bytes:
    """Of a row's bytes: all retained rows are held at once, and a row may be an image."""
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()
