"""The trigger of a backdoor: a square in the bottom right corner."""

from __future__ import annotations

import numpy as np


def stamp(images: np.ndarray, side: int, value: float) -> np.ndarray:
    """Copies of images [rows, channels, height, width] with the last `side` rows and columns set to `value`."""
    marked = images.copy()
    marked[:, :, -side:, -side:] = value
    return marked
