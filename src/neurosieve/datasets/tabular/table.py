"""Your own observations: a Parquet or CSV file with one row per person, its columns named by what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.tabular.observations import dataset
from neurosieve.errors import UserError

if TYPE_CHECKING:
    import polars as pl


class Params(BaseModel):
    """The file, and which columns are what."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: RawFile
    """Parquet or CSV (with a header), relative to the project."""
    instrument: str = "z"
    """Column of the instrument, 0 or 1."""
    treatment: str = "a"
    """Column of the treatment, 0 or 1."""
    outcome: str = "y"
    """Column of the outcome."""
    covariates: tuple[str, ...] | None = Field(None, min_length=1)
    """Columns of the covariates; left out: all others."""
    id: str | None = None
    """Column that names each person; left out: the number of the row."""
    name: str = "observations"
    """What the data are called."""
    licence: str = "your own"
    """Licence of the data."""


def prepare(params: Params) -> Dataset:
    """Read and check. Raises UserError for another kind of file, and for columns that are absent or not usable."""
    import polars as pl

    where = f"tabular.table: {params.file}"
    table = _read(params.file, where)
    roles = {"z": params.instrument, "a": params.treatment, "y": params.outcome}
    others = [name for name in table.columns if name not in (*roles.values(), params.id)]
    covariates = params.covariates or tuple(others)
    if not covariates:
        raise UserError(f"{where}: there is no column of a covariate")
    if params.id is not None and params.id not in table.columns:
        raise UserError(f"{where}: no column '{params.id}'; there are {', '.join(table.columns)}")
    wanted = [name for name in dict.fromkeys((*covariates, *roles.values())) if name in table.columns]
    for name in wanted:
        if not (table[name].dtype.is_numeric() or table[name].dtype == pl.Boolean):
            raise UserError(f"{where}: column '{name}' holds {table[name].dtype}, not numbers; code it or leave it out")
    columns = {name: table[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in wanted}
    ids = None if params.id is None else [str(value) for value in table[params.id]]
    info = {"name": params.name, "source": Path(params.file).name, "licence": params.licence}
    return dataset(info, columns, covariates, roles, where, ids)


def _read(file: str, where: str) -> pl.DataFrame:
    """The file's table."""
    import polars as pl

    readers = {".parquet": pl.read_parquet, ".csv": pl.read_csv}
    ending = Path(file).suffix.lower()
    if ending not in readers:
        raise UserError(f"{where}: give a .parquet or a .csv file")
    try:
        return readers[ending](file)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{where} cannot be read: {str(error).splitlines()[0]}") from None
