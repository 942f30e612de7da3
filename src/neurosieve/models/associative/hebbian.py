"""Columns of a memory from labelled patterns: one per class (a teacher groups examples) or one per example."""

from __future__ import annotations

import warnings

import numpy as np

from neurosieve.errors import UserError
from neurosieve.models.associative.factor import Factor


def class_means(states: np.ndarray, labels: np.ndarray, examples: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the first `examples` states [rows, N] of each class [N, K], and the classes [K].

    Raises UserError where a class has fewer rows than wanted.
    """
    chosen, classes = first_of_each(labels, examples)
    return np.array([states[rows].mean(axis=0, dtype=np.float64) for rows in chosen]).T, classes


def first_of_each(labels: np.ndarray, examples: int | None) -> tuple[list[np.ndarray], np.ndarray]:
    """Row numbers of the first `examples` (none: all) of each class, and the classes."""
    classes = np.unique(labels)
    chosen = [np.flatnonzero(labels == label)[:examples] for label in classes]
    for label, rows in zip(classes, chosen, strict=True):
        if examples is not None and len(rows) < examples:
            raise UserError(f"hebbian learning: {examples} examples are asked for, but class {label} has {len(rows)}")
    return chosen, classes


def supervised(
    system: Factor, means: np.ndarray, classes: np.ndarray, *, centre: bool, normalise: bool = True
) -> Factor:
    """The memory that holds class means [N, K]; `normalise` divides H by R^(P/2), R the mean square of the couplings.

    Raises UserError for a column without anything in it.
    """
    if system.params.order % 2:
        warnings.warn(
            f"order {system.params.order} is odd: a pattern and its negative are not alike, as the theory assumes",
            stacklevel=2,
        )
    held = _held(system, means, classes, centre, 1.0)
    moment = float((held["E"].astype(np.float64) ** 2).mean())
    if moment == 0:
        raise UserError("hebbian learning: all couplings are 0, every example has its opposite")
    return held.changed(scale=np.float64(moment ** (-system.params.order / 2))) if normalise else held


def unsupervised(
    system: Factor, states: np.ndarray, labels: np.ndarray, examples: int | None, *, centre: bool
) -> Factor:
    """The memory that holds single examples, the first of each class, out of states [rows, N]; H is divided by M.

    Raises UserError where a class has too few rows, or a row nothing in it once it is centred.
    """
    chosen, _ = first_of_each(labels, examples)
    rows = np.concatenate(chosen)
    return _held(system, states[rows].T, labels[rows], centre, len(chosen) / len(rows))


def _held(system: Factor, columns: np.ndarray, classes: np.ndarray, centre: bool, scale: float) -> Factor:
    try:
        return system.holding(columns, classes, centred=centre, scale=scale)
    except ValueError as error:
        raise UserError(f"hebbian learning: {error}") from None
