"""Random memories over the archetypes of a dataset: what the evaluations of phase diagrams share."""

from __future__ import annotations

import numpy as np

from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.kernels import glauber
from neurosieve.kernels.noisy_examples import sums
from neurosieve.models.associative.factor import Factor

Sample = tuple[float, int]
"""Quality r and number of examples M."""


def system_of(view: View) -> Factor:
    """The memory that is looked at. Raises UserError for another model."""
    if view.model is None or not isinstance(view.model.system, Factor):
        raise UserError("evaluations of associative memories look at models of associative.factor")
    return view.model.system


def archetypes(view: View, spins: int | None = None, count: int | None = None) -> np.ndarray:
    """The first `count` archetypes on the first `spins` spins, int8 [count, spins].

    Raises UserError where the dataset has none, or too few.
    """
    rows = view.data.train
    if "archetype" not in rows:
        raise UserError(f"dataset {rows.info.name} has no archetypes; this evaluation is for patterns.spins")
    found = rows["archetype"]
    if (spins or 0) > found.shape[1] or (count or 0) > len(found):
        raise UserError(
            f"dataset {rows.info.name}: {count} archetypes of {spins} spins are asked for,"
            f" there are {len(found)} of {found.shape[1]}"
        )
    return found[:count, :spins]


def learned(patterns: np.ndarray, sample: Sample, rng: np.random.Generator) -> np.ndarray:
    """Couplings E [N, K] of a supervised memory of archetypes [K, N]: means of fresh examples."""
    quality, examples = sample
    return np.ascontiguousarray(sums(patterns, quality, examples, rng).T, np.float64) / examples


def once(couplings: np.ndarray, patterns: np.ndarray, order: int) -> np.ndarray:
    """Overlaps [patterns] with the archetypes [patterns, N] after one update of all spins, started from each."""
    states = patterns.astype(np.float64)
    return np.array([state @ glauber.update(couplings, state, order, 1.0) for state in states]) / states.shape[1]


def examples_of(quality: float, rho: float) -> Sample:
    """Quality and number of examples of the entropy nearest to rho; exact patterns for 0."""
    return (quality, max(1, round((1 - quality**2) / (rho * quality**2)))) if rho else (1.0, 1)
