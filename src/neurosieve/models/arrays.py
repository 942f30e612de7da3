"""Systems that are no torch modules: named arrays, stored and loaded like a network's weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Self

import numpy as np


class Arrays:
    """State as named numpy arrays; a subclass adds what the system does.

    `state_dict` gives the arrays themselves (not copies), `load_state_dict` takes arrays of the same names and shapes
    (the artifact's loader has checked them), `changed` is a copy with some arrays replaced. Arrays named in `resizable`
    may be replaced by some of another shape (an archetype less, more levels of damage).
    """

    resizable: frozenset[str] = frozenset()

    def __init__(self, **arrays: Any) -> None:
        self.state: dict[str, np.ndarray] = {name: np.asarray(value) for name, value in arrays.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        return self.state[name]

    def state_dict(self) -> dict[str, np.ndarray]:
        return self.state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.state = {name: np.asarray(state[name]) for name in self.state}

    def changed(self, **arrays: Any) -> Self:
        """A copy in which these arrays are others. Raises KeyError for a name that the system does not have."""
        unknown = sorted(set(arrays) - set(self.state))
        if unknown:
            raise KeyError(unknown[0])
        other = copy.copy(self)
        other.state = {**self.state, **{name: np.asarray(value) for name, value in arrays.items()}}
        return other
