"""Columns found by name: what tables and archives of arrays have in common.

A column is an array [rows] of values, or [rows, ...] of a tensor per row. Inputs are one tensor column, or several
columns of numbers joined in their order into a vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pydantic import field_validator

from neurosieve.datasets.own.labels import numbers, text_of
from neurosieve.datasets.own.rows import Found, Own, row_of
from neurosieve.errors import UserError, near

Columns = Mapping[str, np.ndarray]


class Table(Own):
    """Which column is what."""

    inputs: tuple[str, ...] | None = None
    """Column of the inputs, or several; left out: every column that has no other part."""
    target: str | None = None
    """Column of the class, or of the number to be predicted."""
    id: str | None = None
    """Column that names each row, as text (0087 is not 87); left out: `sample_id` if there is one, else numbers."""
    subject: str | None = None
    """Column that says whose a row is; a person may own many rows."""
    keep: tuple[str, ...] | None = None
    """Columns kept for `forget: {where: …}`; left out: every scalar column that is no input."""

    @field_validator("inputs", "keep", mode="before")
    @classmethod
    def _one_or_more(cls, names: object) -> object:
        return (names,) if isinstance(names, str) else names


def found(columns: Columns, params: Table, use: str, file: str, *, texts: bool = False) -> Found:
    """The rows of a file's columns. `texts`: every value was read as text (CSV), so numbers are looked for.

    Raises UserError for a column that is not there or cannot be what it is said to be.
    """
    where = f"{use}: {Path(file).name}"
    if not columns:
        raise UserError(f"{where} has no columns")
    _refuse_unknown(columns, params, where)
    name = params.id or ("sample_id" if "sample_id" in columns else None)
    parts = {params.target, name, params.subject, params.splits.column, *(params.keep or ())}
    inputs = params.inputs or tuple(column for column in columns if column not in parts)
    if not inputs:
        raise UserError(f"{where}: no column is left for the inputs; there are {', '.join(columns)}")
    ids = None if name is None else as_texts(columns[name])
    target = None if params.target is None else _values(columns[params.target], texts)
    if target is not None and target.ndim > 1:
        raise UserError(f"{where}: target '{params.target}' has {list(target.shape[1:])} values per row, one is wanted")
    axes = inputs if all(columns[one].ndim == 1 for one in inputs) else ()
    kept = _kept(columns, params, {*inputs, params.target, name}, texts)
    x = _joined(columns, inputs, where)
    return Found(
        where, Path(file).name, x, ids, target, params.target or "", kept, params.subject, params.splits.column, axes
    )


def as_texts(values: np.ndarray) -> np.ndarray:
    """Values [rows] as text, whole numbers without a point."""
    return np.array([text_of(value) for value in values.tolist()], dtype=str)


def _refuse_unknown(columns: Columns, params: Table, where: str) -> None:
    single = {"target": params.target, "id": params.id, "subject": params.subject, "splits": params.splits.column}
    asked = [(key, name) for key, name in single.items() if name is not None]
    asked += [(key, name) for key in ("inputs", "keep") for name in getattr(params, key) or ()]
    for key, name in asked:
        if name not in columns:
            shown = ", ".join(list(columns)[:12]) + (", …" if len(columns) > 12 else "")
            raise UserError(f"{where}: {key}: no column '{name}'{near(name, columns)}; there are {shown}")


def _kept(columns: Columns, params: Table, others: set[str | None], texts: bool) -> dict[str, np.ndarray]:
    """Columns beside the inputs: those asked for, or all scalar ones, the subject's and the split's in any case."""
    names = params.keep if params.keep is not None else [c for c in columns if c not in others and columns[c].ndim == 1]
    kept = {name: _values(columns[name], texts) for name in names}
    for name in (params.subject, params.splits.column):
        if name is not None:
            kept[name] = as_texts(columns[name])
    return kept


def _values(values: np.ndarray, texts: bool) -> np.ndarray:
    """Values as numbers where they are, else as text."""
    found = numbers(values) if texts else values
    return as_texts(found) if found.dtype.kind not in "iufb" else found


def _joined(columns: Columns, names: tuple[str, ...], where: str) -> np.ndarray:
    """One column as it is, or several side by side [rows, entries]."""
    arrays = [_numbers(columns[name], name, where) for name in names]
    if len(arrays) == 1:
        return arrays[0] if arrays[0].ndim > 1 else arrays[0][:, None]
    wide = [(name, array) for name, array in zip(names, arrays, strict=True) if array.ndim > 2]
    if wide:
        name, array = wide[0]
        raise UserError(f"{where}: '{name}' has {list(array.shape[1:])} values per row and cannot be joined to others")
    return np.concatenate([array if array.ndim > 1 else array[:, None] for array in arrays], axis=1)


def _numbers(values: np.ndarray, name: str, where: str) -> np.ndarray:
    """A column as numbers. Raises UserError with the first row that holds none."""
    if values.dtype.kind in "iufb":
        return values
    try:
        return values.astype(np.float64)
    except (ValueError, TypeError):
        row, value = next((at, one) for at, one in enumerate(values.tolist()) if not _is_number(one))
        what = "empty" if value in ("", None) else f"'{value}', no number,"
        raise UserError(
            f"{where}: '{name}' is {what} in {row_of(row)}; mend it, code it as a number, or list `inputs` without it"
        ) from None


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True
