"""Your own table as Parquet or Arrow IPC (Feather): scalar columns, or a tensor per row.

A tensor column is a FixedShapeTensor, a fixed-size list, or a list whose rows all have one length, nested as deep as
you like: `[[...], [...]]` of height and width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.own.rows import dataset
from neurosieve.datasets.own.table import Table, found
from neurosieve.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa


class Params(Table):
    """The file, and which column is what."""

    file: RawFile
    """Parquet, or Arrow IPC (file or stream), relative to the project."""


def prepare(params: Params) -> Dataset:
    """Read and check. Raises UserError for another kind of file, and for what cannot be used."""
    table = _read(params.file)
    wanted = {
        *(params.inputs or ()),
        params.target,
        params.id,
        params.subject,
        params.splits.column,
        *(params.keep or ()),
    }
    columns = {}
    for name in table.column_names:
        if name in wanted or params.inputs is None or params.keep is None:
            columns[name] = _values(table.column(name), name, f"own.arrow: {params.file}")
        else:
            columns[name] = np.empty(0)  # nobody asked for it: it is not read
    return dataset(found(columns, params, "own.arrow", params.file), params)


def _read(file: str) -> pa.Table:
    """The table of a file, by what it begins with."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    try:
        with open(file, "rb") as opened:
            begins = opened.read(6)
        if begins[:4] == b"PAR1":
            return parquet.read_table(file)
        with pa.memory_map(file) as mapped:
            return (pa.ipc.open_file if begins == b"ARROW1" else pa.ipc.open_stream)(mapped).read_all()
    except (pa.ArrowException, OSError) as error:
        why = str(error).splitlines()[0]
        raise UserError(f"own.arrow: {file} is neither Parquet nor Arrow, or is damaged: {why}") from None


def _values(column: pa.ChunkedArray, name: str, where: str) -> np.ndarray:
    """A column as an array [rows, ...]. Raises UserError where a value is missing or lists differ in length."""
    import pyarrow as pa

    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    kind = array.type
    if isinstance(kind, pa.FixedShapeTensorType):
        return array.to_numpy_ndarray() if len(array) else np.empty((0, *kind.shape))
    if pa.types.is_nested(kind):
        return _stacked(array, name, where)
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_floating(kind) or pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        if array.null_count and not pa.types.is_floating(kind):
            array = array.cast(pa.float64()) if pa.types.is_integer(kind) else array.cast(pa.string())
        return array.to_numpy(zero_copy_only=False)
    return array.cast(pa.string()).fill_null("").to_numpy(zero_copy_only=False)


def _stacked(array: pa.Array, name: str, where: str) -> np.ndarray:
    """Lists of equal length, nested to any depth, as an array [rows, ...]."""
    import pyarrow as pa

    shape: list[int] = [len(array)]
    while pa.types.is_nested(array.type):
        if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type) or _is_fixed(array.type)):
            raise UserError(f"{where}: '{name}' holds {array.type}; a list of numbers is wanted")
        if array.null_count:
            row = int(np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))[0]) // max(1, _product(shape[1:]))
            raise UserError(f"{where}: '{name}' is empty in row {row + 1}; fill it in or take the row out")
        fixed = _is_fixed(array.type)
        lengths = np.full(len(array), array.type.list_size) if fixed else array.value_lengths().to_numpy()
        size = int(lengths[0]) if len(lengths) else 0
        if (other := np.flatnonzero(lengths != size)).size:
            row = int(other[0]) // max(1, _product(shape[1:]))
            raise UserError(
                f"{where}: '{name}' has {size} values in row 1 and {int(lengths[other[0]])} in row {row + 1}; cut"
                " or pad them to one length"
            )
        shape.append(size)
        array = array.flatten()
    values = array.to_numpy(zero_copy_only=False)
    return values.reshape(shape)


def _is_fixed(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_fixed_size_list(kind)


def _product(sizes: list[int]) -> int:
    return int(np.prod(sizes)) if sizes else 1
