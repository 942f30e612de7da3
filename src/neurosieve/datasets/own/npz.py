"""Your own arrays as NPZ (`np.savez`): one row per entry of the first axis; nothing in it is ever unpickled."""

from __future__ import annotations

import pickle
import zipfile

import numpy as np

from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.own.rows import dataset
from neurosieve.datasets.own.table import Table, found
from neurosieve.errors import UserError


class Params(Table):
    """The file, and which array is what."""

    file: RawFile
    """NPZ, relative to the project."""


def prepare(params: Params) -> Dataset:
    """Read and check. Raises UserError for another kind of file, pickled objects, and what cannot be used."""
    columns = _read(params.file)
    lengths = {name: len(array) for name, array in columns.items() if array.ndim}
    if len(set(lengths.values())) > 1 or len(lengths) < len(columns):
        shown = ", ".join(f"{name} {list(array.shape)}" for name, array in columns.items())
        raise UserError(f"own.npz: {params.file}: every array has one entry per row, these differ: {shown}")
    return dataset(found(columns, params, "own.npz", params.file), params)


def _read(file: str) -> dict[str, np.ndarray]:
    """All arrays of the archive."""
    name = "its content"
    try:
        with open(file, "rb") as opened:
            archive = np.load(opened, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise UserError(f"own.npz: {file} holds a single array; save several by name with np.savez")
            found = {}
            for name in archive.files:
                found[name] = archive[name]
            return found
    except (ValueError, pickle.UnpicklingError) as error:
        if "pickle" not in str(error):
            raise UserError(f"own.npz: {file} cannot be read: {str(error).splitlines()[0]}") from None
        raise UserError(
            f"own.npz: {file}: {name} is pickled Python objects, which are never read: save plain numbers or text"
            " (rows of one shape, no dtype=object) with np.savez"
        ) from None
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"own.npz: {file} is no NPZ file, or is damaged: {error}") from None
