"""Transforms shared by datasets: a set is a source, transforms and a split, never a new loader.

Images are [rows, channels, height, width].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def block_mean(images: np.ndarray, factor: int) -> np.ndarray:
    """Average over blocks of factor x factor pixels; sides must be multiples of `factor`. Keeps float32."""
    rows, channels, height, width = images.shape
    if height % factor or width % factor:
        raise ValueError(f"sides {height} x {width} are no multiples of {factor}")
    blocks = images.reshape(rows, channels, height // factor, factor, width // factor, factor)
    return blocks.mean(axis=(3, 5), dtype=np.float64).astype(np.float32)


def unit(images: np.ndarray, top: float = 255.0) -> np.ndarray:
    """Values 0..top scaled to 0..1, float32."""
    return (images / np.float32(top)).astype(np.float32)


def standardise(train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """Subtract the mean and divide by the standard deviation of all values of `train`, there and in the others.

    One mean and one deviation per channel (axis 1), float32.
    """
    axes = (0, *range(2, train.ndim))
    mean = train.mean(axis=axes, keepdims=True, dtype=np.float64)
    deviation = train.std(axis=axes, keepdims=True, dtype=np.float64)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return tuple(((part - mean) / deviation).astype(np.float32) for part in (train, *others))


def fitted_on(scaling: str) -> tuple[str, ...]:
    """Splits from whose rows a scaling's constants are computed: none where it only divides by a declared range."""
    return () if scaling == "unit" else ("train",)


def split_per_class(labels: np.ndarray, counts: tuple[int, ...], draw: np.random.Generator) -> list[np.ndarray]:
    """Row numbers of disjoint parts, each with the same `counts[part]` rows of every class, in random order.

    Raises ValueError when a class has too few rows.
    """
    parts: list[list[np.ndarray]] = [[] for _ in counts]
    for label in np.unique(labels):
        rows = draw.permutation(np.flatnonzero(labels == label))
        if len(rows) < sum(counts):
            raise ValueError(f"class {label} has {len(rows)} rows, {sum(counts)} wanted")
        for part, piece in zip(parts, np.split(rows, np.cumsum(counts))[: len(counts)], strict=True):
            part.append(piece)
    return [draw.permutation(np.concatenate(part)) for part in parts]


def enough_rows(counts: Mapping[str, int], per_class: int) -> None:
    """Raises ValueError where the splits together ask for more rows per class than there are."""
    if (wanted := sum(counts.values())) > per_class:
        raise ValueError(f"{' + '.join(counts)} = {wanted} rows per class; there are {per_class}")


def splits_per_class(labels: np.ndarray, counts: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    """Row numbers by split, as `split_per_class` draws them; a split of 0 rows per class is left out."""
    asked = {name: count for name, count in counts.items() if count}
    rows = split_per_class(labels, tuple(asked.values()), np.random.default_rng(seed))
    return dict(zip(asked, rows, strict=True))


def numbered(rows: np.ndarray, x: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Columns of one split: `x` as it is, the labels of these rows [n] of the source, their numbers as sample ids."""
    return {"sample_id": [f"{row:04d}" for row in rows], "x": x, "label": labels[rows]}
