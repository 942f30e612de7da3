"""Your own event counts: spikes of neurons, or events of any units, in equal time bins.

A Parquet file has one row per time bin: an optional column `sequence` (trial, day, recording), columns of counts named
after the units, rows in order of time; or an NPZ file holds `counts` [sequences, bins, units] (or [bins, units]) and,
if you like, `units` (names). All sequences of one length: cut longer ones, or give `bins` and each sequence is cut into
pieces of so many bins, a rest dropped. The last `test` share of the sequences is held out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.raw import RawFile
from neurosieve.errors import UserError
from neurosieve.models.neural.spikes import checked


class Params(BaseModel):
    """The file, and how it is divided."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: RawFile
    """Parquet or NPZ, relative to the project."""
    sequence: str = "sequence"
    """Column of a Parquet file that says which sequence a row belongs to; without it all rows are one."""
    bins: int | None = Field(None, ge=2)
    """Cut each sequence into pieces of so many bins."""
    test: float = Field(0.2, gt=0, lt=1)
    """Share of the sequences, the last ones, that is held out."""
    name: str = "event counts"
    """What the data are called."""
    licence: str = "your own"
    """Licence of the data."""


def prepare(params: Params) -> Dataset:
    """Read, check and split. Raises UserError for another kind of file, for what is no count, or too few sequences."""
    ending = Path(params.file).suffix.lower()
    if ending not in (".parquet", ".npz"):
        raise UserError(f"neural.counts: {params.file}: give a .parquet or a .npz file")
    parts, units = _parquet(params) if ending == ".parquet" else _npz(params)
    counts = checked(_stacked(parts, params), units).astype(np.int64)
    held = max(1, round(params.test * len(counts)))
    if held >= len(counts):
        raise UserError(
            f"neural.counts: {params.file} gives {len(counts)} sequence(s), too few to hold {params.test:.0%} out;"
            " give bins: to cut them into pieces"
        )
    edge = len(counts) - held
    splits = {
        name: {"sample_id": np.array([f"sequence{i:05d}" for i in range(start, end)]), "counts": counts[start:end]}
        for name, start, end in (("train", 0, edge), ("test", edge, len(counts)))
    }
    return Dataset.from_arrays(_info(params, units), splits)


def _parquet(params: Params) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Sequences [bins, units] in order of appearance, and the units' names."""
    import polars as pl

    try:
        table = pl.read_parquet(params.file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"neural.counts: {params.file} is no Parquet file: {str(error).splitlines()[0]}") from None
    units = [name for name in table.columns if name != params.sequence]
    texts = [name for name in units if not table[name].dtype.is_numeric()]
    if texts or not units:
        what = f"column '{texts[0]}' holds {table[texts[0]].dtype}" if texts else "there is no column of counts"
        raise UserError(
            f"neural.counts: {params.file}: {what}; every column but '{params.sequence}' is a unit's counts"
        )
    grouped = (
        [table] if params.sequence not in table.columns else table.partition_by(params.sequence, maintain_order=True)
    )
    return [one.select(pl.col(units).cast(pl.Float64)).to_numpy() for one in grouped], tuple(units)


def _npz(params: Params) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """The same from an archive of arrays; nothing in it is unpickled."""
    try:
        with np.load(params.file, allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except (ValueError, OSError) as error:
        raise UserError(f"neural.counts: {params.file} cannot be read without pickle: {error}") from None
    counts = found.get("counts", np.empty(0))
    if counts.ndim not in (2, 3) or counts.dtype.kind not in "iufb":
        raise UserError(
            f"neural.counts: {params.file} needs numbers `counts` [sequences, bins, units]; it holds {', '.join(found)}"
        )
    parts = list(counts) if counts.ndim == 3 else [counts]
    units = tuple(str(name) for name in found.get("units", np.arange(counts.shape[-1])))
    if len(units) != counts.shape[-1]:
        raise UserError(f"neural.counts: {params.file} names {len(units)} units, counts has {counts.shape[-1]}")
    return parts, units


def _stacked(parts: list[np.ndarray], params: Params) -> np.ndarray:
    """Sequences of one length [B, T, N]."""
    if params.bins is not None:
        size = params.bins
        parts = [part[i : i + size] for part in parts for i in range(0, len(part) - size + 1, size)]
    lengths = sorted({len(part) for part in parts})
    if len(lengths) != 1:
        what = f"sequences have {lengths[0]} to {lengths[-1]} bins" if lengths else "no sequence has so many bins"
        raise UserError(f"neural.counts: {params.file}: {what}; give (other) bins: to cut pieces of one length")
    return np.stack(parts)


def _info(params: Params, units: tuple[str, ...]) -> DatasetInfo:
    return DatasetInfo(
        name=params.name,
        origin="real",
        source=Path(params.file).name,
        licence=params.licence,
        inputs="counts",
        columns={
            "sample_id": ColumnInfo(meaning="sequence"),
            "counts": ColumnInfo(meaning=f"events per time bin of {', '.join(units)}", unit="events"),
        },
    )
