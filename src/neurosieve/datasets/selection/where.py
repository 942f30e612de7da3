"""Rows to forget by a condition on their columns, such as `label = 3` or `fine = 12 AND face = 'Serif'`.

The condition is a Polars SQL expression over the scalar columns; it applies to every split, so that the test rows
of a forgotten class are known too. Columns that only evaluation may see cannot be named.
"""

from __future__ import annotations

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Selection
from neurosieve.artifacts.dataset import Dataset
from neurosieve.errors import UserError


class Params(BaseModel):
    """The condition."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    where: str = Field(min_length=1)
    """SQL expression that is true for the rows to forget; a row where it is null is retained."""


def prepare(params: Params, of: Dataset) -> Selection:
    """Rows of every split for which the condition is true. Raises UserError for bad SQL or an unknown column."""
    rows = {}
    for name, split in of.splits.items():
        frame = split.frame()
        visible = frame.drop([c for c in frame.columns if c in of.info.hidden])
        rows[name] = _true(visible, params.where, of.info.name).arg_true().to_numpy()
    return Selection(rows, params.where)


def _true(frame: pl.DataFrame, where: str, dataset: str) -> pl.Series:
    """The condition as a boolean column [rows]."""
    known = ", ".join(frame.columns)
    try:
        values = frame.select(pl.sql_expr(where).alias("chosen"))["chosen"]
    except pl.exceptions.ColumnNotFoundError as error:
        unknown = str(error).splitlines()[0]
        raise UserError(f"forget.where: {where}: no such column ({unknown}); {dataset} has {known}") from None
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"forget.where: {where}: {problem}; columns of {dataset}: {known}") from None
    if values.dtype != pl.Boolean:
        raise UserError(
            f"forget.where: {where} is not true or false but {values.dtype}; write a comparison such as"
            f" 'label = 3'; columns of {dataset}: {known}"
        )
    if len(values) != len(frame):  # a constant such as TRUE
        values = pl.repeat(values[0], len(frame), eager=True)
    return values
