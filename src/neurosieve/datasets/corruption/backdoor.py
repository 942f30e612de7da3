"""Poisoning with a trigger (BadNets, Gu et al. 2017): a patch on some training images, whose label becomes one class.

As in Goel et al. 2024 (arXiv 2402.14015): rows drawn uniformly from the whole training split, so rows of the target
class are among them and keep their label; a square in the bottom right corner of every channel is set to the largest
pixel of the dataset. Test images stay clean: evaluation sets the trigger itself (`kernels.trigger.stamp`).
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Dataset
from neurosieve.datasets.corruption.manifest import draws, manipulated, target_of
from neurosieve.errors import UserError
from neurosieve.kernels.trigger import stamp


class Params(BaseModel):
    """How much is poisoned, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    rows: int = Field(100, ge=1)
    """Training rows that are poisoned (n = |S_m|)."""
    patch: int = Field(3, ge=1)
    """Side of the trigger in pixels."""
    to: int = Field(0, ge=0)
    """Label of the poisoned rows."""


def prepare(params: Params, of: Dataset, seed: int) -> Dataset:
    """The poisoned dataset. Raises UserError where rows, class or patch do not fit the data."""
    train, target = of.split("train"), target_of(of)
    if params.rows >= len(train):
        raise UserError(f"corruption.backdoor: rows {params.rows}, {of.info.name} has {len(train)} training rows")
    classes = len(of.info.class_names) or int(train[target].max()) + 1
    if params.to >= classes:
        raise UserError(f"corruption.backdoor: to {params.to}, {of.info.name} has {classes} classes")
    shape = of.info.input_shape
    if len(shape) != 3 or params.patch > min(shape[1:]):
        raise UserError(f"corruption.backdoor: a patch of {params.patch} pixels does not fit inputs of {list(shape)}")
    rows = np.sort(draws(seed, "poisoned rows").choice(len(train), params.rows, replace=False))
    labels = train[target].copy()
    labels[rows] = params.to
    images = stamp(train.x[rows], params.patch, largest(of))
    return manipulated(of, "backdoor", rows, labels, images)


def largest(of: Dataset) -> float:
    """The largest pixel over all training images and channels."""
    return float(of.split("train").x.max())
