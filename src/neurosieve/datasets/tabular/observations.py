"""Persons as a dataset: covariates together and one by one, instrument, treatment, outcome; checked once, here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.errors import UserError

ONE_SIDED = (
    "Nobody without the instrument is treated. The method then sees the treated against the untreated among those with"
    " the instrument alone, and assumes that there nothing unobserved confounds."
)
TAKEN = ("sample_id", "x", "z", "a", "y")


def dataset(
    info: Mapping[str, str],
    columns: Mapping[str, np.ndarray],
    covariates: Sequence[str],
    roles: Mapping[str, str],
    where: str,
    ids: Sequence[str] | None = None,
) -> Dataset:
    """One row per person, all in the split train: `x` [n, p], `z`, `a`, `y`, and each covariate under its own name.

    `roles` name the columns of z, a and y. Raises UserError naming the column that is not there, not finite or not
    binary, or the cell of instrument and treatment that is empty.
    """
    table = _numbers(columns, (*covariates, *roles.values()), where)
    _check_cells(table, roles, where)
    z, a, y = (table[roles[role]] for role in "zay")
    named = {name: table[name] for name in covariates if name not in TAKEN}
    arrays = {
        "sample_id": np.array(ids if ids is not None else [f"person{i:06d}" for i in range(len(y))]),
        "x": np.column_stack([table[name] for name in covariates]),
        "z": z.astype(np.int8),
        "a": a.astype(np.int8),
        "y": y,
        **named,
    }
    described = DatasetInfo(
        name=info["name"],
        origin="real",
        source=info["source"],
        licence=info["licence"],
        inputs="x",
        columns={
            "sample_id": ColumnInfo(meaning="person"),
            "x": ColumnInfo(meaning=f"covariates: {', '.join(covariates)}"),
            "z": ColumnInfo(meaning=f"instrument: {roles['z']}"),
            "a": ColumnInfo(meaning=f"treatment: {roles['a']}"),
            "y": ColumnInfo(meaning=f"outcome: {roles['y']}", unit=info.get("unit", "")),
            **{name: ColumnInfo(meaning=f"covariate {name}") for name in named},
        },
        notes="" if ((z == 0) & (a == 1)).any() else ONE_SIDED,
    )
    return Dataset.from_arrays(described, {"train": arrays})


def _numbers(columns: Mapping[str, np.ndarray], wanted: Sequence[str], where: str) -> dict[str, np.ndarray]:
    """The wanted columns in double precision, all of them there and finite."""
    for name in wanted:
        if name not in columns:
            raise UserError(f"{where}: no column '{name}'; there are {', '.join(columns)}")
        if list(wanted).count(name) > 1:
            raise UserError(f"{where}: column '{name}' is named for two things")
    table = {name: np.asarray(columns[name], np.float64) for name in wanted}
    if bad := [name for name, values in table.items() if not np.isfinite(values).all()]:
        raise UserError(f"{where}: missing or infinite values in {', '.join(bad)}; fill them or leave the rows out")
    return table


def _check_cells(table: Mapping[str, np.ndarray], roles: Mapping[str, str], where: str) -> None:
    """Both are 0 or 1; that nobody is treated without the instrument is a design, any other empty cell is not."""
    for role, what in (("z", "instrument"), ("a", "treatment")):
        if len(other := np.setdiff1d(table[roles[role]], [0, 1])):
            raise UserError(f"{where}: {what} '{roles[role]}' holds {other[0]:g}; it has to be 0 or 1")
    z, a = table[roles["z"]], table[roles["a"]]
    for cell in ((0, 0), (1, 0), (1, 1)):
        if not ((z == cell[0]) & (a == cell[1])).any():
            raise UserError(f"{where}: no row has {roles['z']} = {cell[0]} and {roles['a']} = {cell[1]}")
