"""Datasets: one Arrow IPC file per split, memory-mapped without a copy, and `dataset.json`.

A dataset directory holds `<split>.arrow` for each split and `dataset.json` (`DatasetInfo`). Tensor columns are
Arrow FixedShapeTensor, scalar columns plain Arrow; `sample_id` is text, present in every split and unique over
the whole dataset. Polars reads the same files.

A dataset made of others says which of their rows each row was made of: `source_ids`, a list of sample ids of the data
that it all began with, kept through every transform; where there is no such column, a row was made of the row with its
own `sample_id`. So a request to delete a person's rows finds what was made of them.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.store import unreadable
from neurosieve.errors import UserError

if TYPE_CHECKING:
    import polars as pl
    import torch

Origin = Literal["real", "rendered", "simulated"]
SOURCES = "source_ids"
"""The column that says of which rows a row was made."""


class ColumnInfo(BaseModel):
    """What one column means. `hidden` columns are withheld from train and intervene (only evaluation sees them)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    meaning: str
    unit: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    hidden: bool = False


class DatasetInfo(BaseModel):
    """Content of `dataset.json`: what the data are, where they come from, what may be done with them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    origin: Origin
    source: str
    licence: str
    inputs: str
    """Column that a model reads (`Split.x`)."""
    target: str | None = None
    """Column that a model predicts (`Split.y`); None for unsupervised systems."""
    class_names: tuple[str, ...] = ()
    columns: dict[str, ColumnInfo]
    counts: dict[str, int] = {}
    notes: str = ""
    subject: str | None = None
    """Column that says whose a row is: one person may own many."""
    fitted: tuple[str, ...] | None = None
    """Splits whose rows constants (mean, vocabulary, ranges) were computed from; empty: all constants are declared.
    None: not said, so nothing is known."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.columns[self.inputs].shape

    @property
    def regression(self) -> bool:
        """Whether the target is a number to be predicted, not a class."""
        return self.target is not None and self.columns[self.target].dtype.startswith("float")

    def require_classes(self, use: str) -> None:
        """Raises UserError where the target is a number to be predicted: `use` works with classes."""
        if self.regression:
            raise UserError(f"{use} works with classes, dataset {self.name} has a number to predict; choose another")

    @property
    def hidden(self) -> frozenset[str]:
        return frozenset(name for name, column in self.columns.items() if column.hidden)


class Split:
    """Rows of one split; `split["column"]` is a numpy array [rows, *shape], a read-only view of the mapped file.

    `take(rows)` gives a sub-split (its arrays are copies). Hidden columns are absent unless they were asked for.
    """

    def __init__(self, table: pa.Table, info: DatasetInfo, name: str, rows: np.ndarray | None = None) -> None:
        self.table, self.info, self.name, self.rows = table, info, name, rows

    def __len__(self) -> int:
        return self.table.num_rows if self.rows is None else len(self.rows)

    def __contains__(self, column: str) -> bool:
        return column in self.table.column_names

    def __getitem__(self, column: str) -> np.ndarray:
        """The column as a numpy array [rows, *shape]. Raises UserError for an unknown or withheld column."""
        if column not in self.table.column_names:
            known = ", ".join(self.table.column_names)
            why = "is hidden from this stage" if column in self.info.hidden else "does not exist"
            raise UserError(f"dataset {self.info.name}: column '{column}' {why}; columns here: {known}")
        values = _as_numpy(self.table.column(column))
        if self.info.columns[column].dtype == "bool":
            values = values.view(np.bool_)  # Arrow has no tensors of bits: they are stored as bytes
        return values if self.rows is None else values[self.rows]

    @property
    def x(self) -> np.ndarray:
        """Inputs [rows, *input_shape]."""
        return self[self.info.inputs]

    @property
    def y(self) -> np.ndarray:
        """Targets [rows]."""
        if self.info.target is None:
            raise UserError(f"dataset {self.info.name} has no target column")
        return self[self.info.target]

    @cached_property
    def ids(self) -> np.ndarray:
        """Sample ids [rows], text."""
        return self["sample_id"]

    @cached_property
    def sources(self) -> list[list[str]]:
        """Of each row the sample ids of the rows that it was made of."""
        if SOURCES not in self:
            return [[name] for name in self.ids.tolist()]
        return [list(map(str, made_of)) for made_of in self[SOURCES]]

    def tensor(self, column: str | None = None) -> torch.Tensor:
        """The column (inputs by default) as a torch tensor that shares memory where it can; treat as read-only."""
        import torch

        array = self[column or self.info.inputs]
        with warnings.catch_warnings():
            # views of a mapped file are read-only; the tensor shares them and nobody writes into inputs
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(array)

    def frame(self) -> pl.DataFrame:
        """Scalar columns as a polars frame (no copy), rows in order."""
        import polars as pl

        scalars = [c for c in self.table.column_names if not self.info.columns[c].shape]
        frame = pl.DataFrame(pl.from_arrow(self.table.select(scalars)))
        return frame if self.rows is None else frame[self.rows]

    def take(self, rows: np.ndarray) -> Split:
        """The sub-split of these row numbers, in this order; a mask [rows] of booleans takes where it is True."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return Split(self.table, self.info, self.name, rows if self.rows is None else self.rows[rows])


@dataclass(frozen=True)
class Dataset:
    """What `prepare` returns and `read_dataset` gives back: info and one `Split` per split name."""

    info: DatasetInfo
    splits: Mapping[str, Split] = field(default_factory=dict)

    @staticmethod
    def from_arrays(info: DatasetInfo, splits: Mapping[str, Mapping[str, Any]]) -> Dataset:
        """Build from arrays: `{split: {column: array [rows, *shape]}}`. `sample_id` (text) is required.

        Shapes, dtypes and counts are filled into the info. Raises UserError when columns and info disagree, lengths,
        shapes or dtypes differ, an array cannot be stored, or a sample id occurs twice.
        """
        if not splits:
            raise UserError(f"dataset {info.name} has no split")
        splits = {name: _with_lists(info.name, columns) for name, columns in splits.items()}
        tables = {name: _table(info, name, columns) for name, columns in splits.items()}
        first = splits[next(iter(splits))]
        _check_alike(info.name, splits)
        columns = {
            name: meaning.model_copy(update={"shape": np.shape(first[name])[1:], "dtype": _dtype_name(first[name])})
            for name, meaning in info.columns.items()
        }
        counts = {name: table.num_rows for name, table in tables.items()}
        _check_provenance(info, list(splits))
        full = info.model_copy(update={"columns": columns, "counts": counts})
        _check_unique_ids(full.name, tables)
        return Dataset(full, {name: Split(table, full, name) for name, table in tables.items()})

    def split(self, name: str) -> Split:
        if name not in self.splits:
            raise UserError(f"dataset {self.info.name} has no split '{name}'; it has {', '.join(self.splits)}")
        return self.splits[name]


def joined_sources(*parts: Split) -> list[list[str]]:
    """`source_ids` of rows made of one row of each part, as pairs and mixtures are: those of all, each once."""
    return [list(dict.fromkeys(chain.from_iterable(rows))) for rows in zip(*(p.sources for p in parts), strict=True)]


def write_dataset(directory: Path, dataset: Dataset) -> None:
    """Write `dataset.json` and one Arrow IPC file per split."""
    for name, split in dataset.splits.items():
        table = split.table if split.rows is None else split.table.take(pa.array(split.rows))
        with (
            pa.OSFile(str(directory / f"{name}.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as out,
        ):
            out.write_table(table.combine_chunks(), max_chunksize=max(1, table.num_rows))
    described = dataset.info.model_dump(mode="json")
    said = {name: value for name, value in described.items() if value is not None or name not in ("subject", "fitted")}
    text = json.dumps(said, indent=2, sort_keys=True)
    (directory / "dataset.json").write_text(text + "\n")


def read_dataset(directory: Path, *, hidden: bool = False) -> Dataset:
    """Open a dataset directory memory-mapped; hidden columns only if `hidden`.

    Raises UserError when a file is missing or truncated.
    """
    try:
        info = DatasetInfo.model_validate_json((directory / "dataset.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{directory}/dataset.json cannot be read: {error}") from None
    splits = {}
    for name in info.counts:
        path = directory / f"{name}.arrow"
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            message = f"{path} is missing, truncated or not Arrow IPC ({error}); delete its folder and rerun"
            raise unreadable(directory, message) from None
        if not hidden:
            table = table.drop_columns([c for c in table.column_names if c in info.hidden])
        splits[name] = Split(table, info, name)
    return Dataset(info, splits)


def _table(info: DatasetInfo, split: str, columns: Mapping[str, Any]) -> pa.Table:
    """One split's columns as an Arrow table, in the order of `info.columns`."""
    if "sample_id" not in columns or set(columns) != set(info.columns):
        raise UserError(
            f"dataset {info.name}, split {split}: columns {sorted(columns)} are not those described,"
            f" {sorted(info.columns)} (sample_id is required)"
        )
    if _dtype_name(columns["sample_id"]) != "text" and len(columns["sample_id"]):
        raise UserError(f"dataset {info.name}, split {split}: sample_id is not text; numbers lose leading zeros")
    arrays = {}
    for name in info.columns:
        try:
            arrays[name] = columns[name] if name == SOURCES else _as_arrow(columns[name], text=name == "sample_id")
        except (pa.ArrowException, ValueError) as error:
            what = f"{_dtype_name(columns[name])} of shape {np.shape(columns[name])}"
            message = f"dataset {info.name}, split {split}: column '{name}' ({what}) cannot be stored: {error}"
            raise UserError(message) from None
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = {name: len(array) for name, array in arrays.items()}
        raise UserError(f"dataset {info.name}, split {split}: columns differ in length: {lengths}")
    return pa.table(arrays)


def _with_lists(dataset: str, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """The columns with `source_ids`, if there are any, as an Arrow list of texts."""
    if SOURCES not in columns:
        return columns
    try:
        lists = pa.array([[str(one) for one in sources] for sources in columns[SOURCES]], pa.list_(pa.string()))
    except TypeError:
        raise UserError(f"dataset {dataset}: {SOURCES} holds a list of sample ids for every row") from None
    return {**columns, SOURCES: lists}


def _as_arrow(values: Any, *, text: bool = False) -> pa.Array:
    array = np.asarray(values)
    if array.ndim < 2:
        return pa.array(array.astype(str) if text or array.dtype.kind in "OU" else array)
    if array.dtype == bool:
        array = array.view(np.uint8)
    if array.size and array.dtype.kind not in "OU":
        return pa.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(array))
    kind = pa.fixed_shape_tensor(pa.from_numpy_dtype(array.dtype), array.shape[1:])
    if len(array) or 0 in array.shape[1:]:
        raise ValueError("a tensor column holds numbers and has no axis of length 0")
    return pa.ExtensionArray.from_storage(kind, pa.array([], kind.storage_type))


def _as_numpy(column: pa.ChunkedArray) -> np.ndarray:
    chunk = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(chunk, pa.ChunkedArray):
        chunk = chunk.chunk(0)
    if isinstance(chunk.type, pa.FixedShapeTensorType):
        return chunk.to_numpy_ndarray()
    if pa.types.is_floating(chunk.type) or pa.types.is_integer(chunk.type):
        return chunk.to_numpy(zero_copy_only=chunk.null_count == 0)
    values = chunk.to_numpy(zero_copy_only=False)
    if pa.types.is_list(chunk.type):
        return values
    return values.astype(str) if values.dtype == object else values


def _dtype_name(values: Any) -> str:
    array = np.asarray(values)
    return "text" if array.dtype.kind in "OU" else str(array.dtype)


def _check_alike(name: str, splits: Mapping[str, Mapping[str, Any]]) -> None:
    """Every split has the same shapes and dtypes as the first; an empty list has none of its own."""
    first, *others = splits
    for split in others:
        for column, values in splits[split].items():
            one, other = (f"{_dtype_name(v)} {np.shape(v)[1:]}" for v in (splits[first][column], values))
            if one != other and len(values) and len(splits[first][column]):
                raise UserError(f"dataset {name}: column '{column}' is {one} in split {first} and {other} in {split}")


def _check_provenance(info: DatasetInfo, splits: list[str]) -> None:
    """The subject is a column of the dataset, and constants were fitted on splits that it has."""
    if info.subject is not None and info.subject not in info.columns:
        raise UserError(
            f"dataset {info.name}: subject '{info.subject}' is no column; there are {', '.join(info.columns)}"
        )
    for split in info.fitted or ():
        if split not in splits:
            raise UserError(f"dataset {info.name}: fitted names split '{split}'; there are {', '.join(splits)}")


def _check_unique_ids(name: str, tables: Mapping[str, pa.Table]) -> None:
    ids = np.concatenate([_as_numpy(table.column("sample_id")) for table in tables.values()])
    _, first, counts = np.unique(ids, return_index=True, return_counts=True)
    if (twice := int((counts > 1).sum())) > 0:
        row = int(first[counts > 1].min()) + 1  # errors end in logs and pages, so they name no id
        raise UserError(f"dataset {name}: {twice} sample ids occur twice, first that of row {row}, splits in turn")
