"""A manipulated dataset as a view of the one it came from: what did not change is shared, not copied.

Every split keeps its rows, their order and their sample ids, and gains three columns that only evaluation sees:
`true_label`, `manipulated` (the row is in S_m) and `patched` (it carries the trigger).
"""

from __future__ import annotations

import zlib

import numpy as np
import pyarrow as pa

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, Split
from neurosieve.errors import UserError

HIDDEN = {
    "true_label": "label before the manipulation",
    "manipulated": "the row was manipulated (it is in S_m)",
    "patched": "the image carries the trigger",
}


def manipulated(
    of: Dataset, name: str, rows: np.ndarray, labels: np.ndarray, images: np.ndarray | None = None
) -> Dataset:
    """`of` with new labels [train rows], and new images [rows, ...] in place of those of the training rows `rows`.

    Arrow columns that do not change are the ones of `of` (no copy). Raises UserError where `of` is itself manipulated.
    """
    if set(HIDDEN) & set(of.info.columns):
        raise UserError(f"dataset {of.info.name} is manipulated already; corrupt the clean one")
    target = target_of(of)
    hidden = {
        "true_label": ColumnInfo(meaning=HIDDEN["true_label"], dtype=of.info.columns[target].dtype, hidden=True),
        **{c: ColumnInfo(meaning=HIDDEN[c], dtype="bool", hidden=True) for c in ("manipulated", "patched")},
    }
    info = of.info.model_copy(update={"name": f"{of.info.name}-{name}", "columns": {**of.info.columns, **hidden}})
    splits = {}
    for split, part in of.splits.items():
        marked = np.zeros(len(part), bool)
        table, old = part.table, part.table.column(target)
        if split == "train":
            marked[rows] = True
            table = _put(table, target, pa.array(labels))
            if images is not None:
                table = _put(table, of.info.inputs, _replaced(table.column(of.info.inputs), part, rows, images))
        patched = marked if images is not None else np.zeros_like(marked)
        for column, values in {"true_label": old, "manipulated": marked, "patched": patched}.items():
            table = table.append_column(column, values if column == "true_label" else pa.array(values))
        splits[split] = Split(table, info, split)
    return Dataset(info, splits)


def target_of(of: Dataset) -> str:
    """Name of the label column. Raises UserError where there is none."""
    if of.info.target is None:
        raise UserError(f"dataset {of.info.name} has no class labels to manipulate")
    return of.info.target


def draws(seed: int, purpose: str) -> np.random.Generator:
    """A generator for one purpose: what is manipulated depends neither on how rows were split nor on what is found."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def _put(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


def _replaced(column: pa.ChunkedArray, part: Split, rows: np.ndarray, images: np.ndarray) -> pa.ChunkedArray:
    """The images with some of them replaced: runs between them are slices of the old column."""
    order = np.argsort(rows)
    fresh = pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(images[order]))
    pieces, start = [], 0
    for place, row in enumerate(rows[order].tolist()):
        pieces += column.slice(start, row - start).chunks if row > start else []
        pieces.append(fresh.slice(place, 1))
        start = row + 1
    pieces += column.slice(start).chunks if start < len(part) else []
    return pa.chunked_array(pieces, type=column.type)
