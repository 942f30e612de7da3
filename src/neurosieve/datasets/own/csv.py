"""Your own table as CSV, with a header, one row per sample; ids are text, so `0087` stays `0087`."""

from __future__ import annotations

from pydantic import Field

from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.own.rows import dataset
from neurosieve.datasets.own.table import Table, found
from neurosieve.errors import UserError


class Params(Table):
    """The file, and which column is what."""

    file: RawFile
    """CSV with a header, relative to the project."""
    separator: str = Field(",", min_length=1, max_length=1)
    """What stands between two values."""


def prepare(params: Params) -> Dataset:
    """Read and check. Raises UserError for what is no CSV, and for what cannot be used."""
    import polars as pl

    try:
        table = pl.read_csv(params.file, separator=params.separator, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"own.csv: {params.file} cannot be read as CSV: {str(error).splitlines()[0]}") from None
    table = table.filter(~pl.all_horizontal(pl.all().fill_null("") == ""))  # blank lines
    columns = {name: table[name].fill_null("").to_numpy() for name in table.columns}
    return dataset(found(columns, params, "own.csv", params.file, texts=True), params)
