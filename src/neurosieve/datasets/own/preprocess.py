"""What is done to inputs before a network sees them: declared steps, in their order, and nothing else.

Constants are declared, or (`fit: true`) the mean and standard deviation of the training rows: then those rows took part
in making every input, which a dataset's `fitted` tells. Constants are one number, or one per entry of the inputs' first
axis (channels of an image, features of a vector).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.errors import UserError

Constant = float | tuple[float, ...]


class Step(BaseModel):
    """One step: `{scale: 0.0039}`, `{mean: [...], std: [...]}`, `{fit: true}`; of images also `{resize: [32, 32]}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    scale: float | None = None
    """Inputs are multiplied by it."""
    mean: Constant | None = None
    """Subtracted from inputs."""
    std: Constant | None = None
    """Inputs are divided by it, after the mean."""
    fit: Literal[True] | None = None
    """Mean and standard deviation are those of the training rows."""
    resize: tuple[int, int] | None = Field(None, min_length=2)
    """Height and width in pixels (bilinear, antialiased)."""

    @model_validator(mode="after")
    def _one(self) -> Step:
        kinds = [self.scale is not None, self.mean is not None or self.std is not None, bool(self.fit)]
        if sum([*kinds, self.resize is not None]) != 1:
            raise ValueError("a step is one of scale, mean and std, fit, resize; write several steps as a list")
        if self.std is not None and not np.all(np.asarray(self.std) > 0):
            raise ValueError("std is above 0")
        if self.resize is not None and min(self.resize) < 1:
            raise ValueError("resize takes a height and a width in pixels")
        return self


def applied(
    x: np.ndarray, steps: tuple[Step, ...], train: np.ndarray, where: str
) -> tuple[np.ndarray, tuple[Step, ...]]:
    """Inputs [rows, ...] after the steps, in single precision if there are any, and the steps with fitted constants.

    `train` [rows] is True where a row is a training row. Raises UserError for constants that do not fit the inputs.
    """
    if not steps:
        return x, ()
    x, done = x.astype(np.float32), []
    for step in steps:
        if step.fit:
            step = _fitted(x[train])
        if step.scale is not None:
            x *= np.float32(step.scale)
        elif step.resize is None:
            x -= _spread(step.mean, x, "mean", where) if step.mean is not None else np.float32(0)
            x /= _spread(step.std, x, "std", where) if step.std is not None else np.float32(1)
        done.append(step)
    return x, tuple(done)


def _fitted(rows: np.ndarray) -> Step:
    """Mean and standard deviation of rows [n, k, ...] per entry of the first axis; where nothing varies: 1."""
    over = tuple(axis for axis in range(rows.ndim) if axis != 1)
    mean, std = rows.mean(axis=over, dtype=np.float64), rows.std(axis=over, dtype=np.float64)
    std = np.where(std > 0, std, 1.0)
    return Step(mean=tuple(np.atleast_1d(mean).tolist()), std=tuple(np.atleast_1d(std).tolist()))


def _spread(constant: Constant, x: np.ndarray, name: str, where: str) -> np.ndarray:
    """The constant in the shape that broadcasts over x [rows, k, ...]."""
    values = np.atleast_1d(np.asarray(constant, np.float32))
    if len(values) not in (1, x.shape[1] if x.ndim > 1 else 1):
        raise UserError(
            f"{where}: preprocess: {name} has {len(values)} numbers, the inputs have {list(x.shape[1:])}: give one, or"
            f" {x.shape[1] if x.ndim > 1 else 1}"
        )
    return values.reshape(1, -1, *[1] * (x.ndim - 2)) if x.ndim > 1 else values
