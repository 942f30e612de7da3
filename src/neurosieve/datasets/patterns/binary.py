"""Your own binary patterns, from NPZ or Parquet: rows to store and recall as spins -1 and +1.

NPZ: an array `x` [rows, ...] and, if there are classes, `label` [rows]. Parquet: a list column `x`, or one column per
pixel (every numeric column but `label`), and `label`. Numbers are made spins by a threshold: a number, or the median of
each pixel over the training rows. Without labels each row is its own class. Columns: x int8 [N], label; sample_id is
the row's number in the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.transforms import split_per_class
from neurosieve.errors import UserError


class Params(BaseModel):
    """The file, and how its numbers become spins."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: RawFile
    """NPZ or Parquet file, relative to the project's folder."""
    threshold: float | Literal["median"] = 0.0
    """Numbers above it are +1, others -1; median: of each pixel, over the training rows."""
    test: int = Field(0, ge=0)
    """Test rows per class; 0: every row is stored, and the split test is the same rows."""


def prepare(params: Params, seed: int) -> Dataset:
    """Read, split (seeded), threshold. Raises UserError for a file without usable patterns, in one line."""
    x, labels = _read(Path(params.file))
    if params.test:
        _, counts = np.unique(labels, return_counts=True)
        if counts.min() <= params.test:
            raise UserError(f"{params.file}: test: {params.test} rows per class, but a class has only {counts.min()}")
        (test,) = split_per_class(labels, (params.test,), np.random.default_rng(seed))
        parts = {"train": np.setdiff1d(np.arange(len(x)), test), "test": test}
    else:
        parts = {"train": np.arange(len(x)), "test": np.arange(len(x))}
    level = np.median(x[parts["train"]], axis=0) if params.threshold == "median" else params.threshold
    spins = np.where(x > level, 1, -1).astype(np.int8)
    splits = {
        name: {
            "sample_id": [f"{'test' if name == 'test' else ''}{row:06d}" for row in rows],
            "x": spins[rows],
            "label": labels[rows],
        }
        for name, rows in parts.items()
    }
    return Dataset.from_arrays(_info(params, labels), splits)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [rows, N] and labels [rows]; a row is its own class where there are none."""
    try:
        x, labels = _npz(path) if path.suffix == ".npz" else _parquet(path)
        x = np.asarray(x, np.float64)
        x = x.reshape(len(x), -1) if x.size else x
    except UserError:
        raise
    except Exception as error:  # whatever a broken file makes its reader raise
        raise UserError(f"{path.name}: cannot be read as patterns ({error}); give NPZ or Parquet") from None
    labels = np.arange(len(x)) if labels is None else np.asarray(labels)
    if not x.size:
        raise UserError(f"{path.name}: holds no pattern")
    if not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise UserError(f"{path.name}: row {row} has a number that is not finite")
    if labels.shape != (len(x),) or labels.dtype.kind not in "iub":
        raise UserError(f"{path.name}: label must hold one whole number per row ({len(x)} rows)")
    return x, labels.astype(np.int64)


def _npz(path: Path) -> tuple[Any, Any]:
    with np.load(path, allow_pickle=False) as content:
        if "x" not in content:
            raise UserError(f"{path.name}: has no array 'x' (it has {', '.join(content) or 'none'})")
        return content["x"], content.get("label")


def _parquet(path: Path) -> tuple[Any, Any]:
    import polars as pl

    table = pl.read_parquet(path)
    labels = table["label"].to_numpy() if "label" in table.columns else None
    if "x" in table.columns and table["x"].dtype.is_nested():
        return np.array(table["x"].to_list()), labels
    pixels = [name for name in table.columns if name != "label" and table[name].dtype.is_numeric()]
    if not pixels:
        raise UserError(f"{path.name}: has neither a list column 'x' nor a numeric column per pixel")
    return table.select(pixels).to_numpy(), labels


def _info(params: Params, labels: np.ndarray) -> DatasetInfo:
    names = tuple(map(str, range(int(labels.max()) + 1))) if labels.min() >= 0 and labels.max() < 1000 else ()
    return DatasetInfo(
        name=Path(params.file).stem,
        origin="real",
        source=f"your own file {Path(params.file).name}",
        licence="yours",
        inputs="x",
        target="label",
        class_names=names,
        columns={
            "sample_id": ColumnInfo(meaning="row number in the file"),
            "x": ColumnInfo(meaning=f"spins: +1 above {params.threshold}"),
            "label": ColumnInfo(meaning="class"),
        },
    )
