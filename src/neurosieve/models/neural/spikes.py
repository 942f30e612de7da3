"""What counts as spike counts: whole numbers that are not negative, no gaps."""

from __future__ import annotations

import numpy as np

from neurosieve.errors import UserError


def checked(counts: np.ndarray, names: tuple[str, ...] = ()) -> np.ndarray:
    """Counts [B, T, N] as doubles. Raises UserError naming the first sequence, time bin and neuron that is no count."""
    values = np.asarray(counts, dtype=np.float64)
    bad = ~np.isfinite(values) | (values < 0) | (values != np.floor(values))
    if bad.any():
        sequence, bin_, neuron = (int(place) for place in np.argwhere(bad)[0])
        name = names[neuron] if names else neuron
        raise UserError(
            f"spike counts: {values[sequence, bin_, neuron]:g} at sequence {sequence}, time bin {bin_}, neuron {name};"
            f" counts are whole numbers >= 0 ({int(bad.sum())} of {bad.size} are not)"
        )
    return values
