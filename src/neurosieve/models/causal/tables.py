"""Observations as estimators read them: covariates, instrument, treatment, outcome, person by person."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from neurosieve.errors import UserError

if TYPE_CHECKING:
    from neurosieve.artifacts.dataset import Split

COLUMNS = ("x", "z", "a", "y")


class Table(NamedTuple):
    """One study of n persons: x [n, p] covariates, z, a, y [n], all double; `keys` [n] whole numbers that name them."""

    x: np.ndarray
    z: np.ndarray
    a: np.ndarray
    y: np.ndarray
    keys: np.ndarray

    @property
    def one_sided(self) -> bool:
        """Whether nobody is treated whom the instrument does not favour."""
        return not bool(((self.z == 0) & (self.a == 1)).any())

    def check_cells(self, one_sided: bool) -> None:
        """Raises UserError where a cell of instrument and treatment is empty that need not be."""
        for z in (0, 1):
            for a in (0, 1):
                allowed = one_sided and (z, a) == (0, 1)
                if not allowed and not ((self.z == z) & (self.a == a)).any():
                    hint = "; say one_sided: true if that is by design" if (z, a) == (0, 1) else ""
                    raise UserError(f"no person has instrument {z} and treatment {a}{hint}")

    def take(self, rows: np.ndarray) -> Table:
        """The persons of these rows."""
        return Table(*(column[rows] for column in self))


def tables(rows: Split, replicates: int | None = None) -> list[Table]:
    """The studies of a split: all its rows are persons of one study, or each row is a study of its own.

    Raises UserError where z or a is not binary, or studies are fewer than the replicates.
    """
    stacked = rows["z"].ndim == 2
    count = len(rows) if stacked else 1
    if replicates is not None and replicates > count:
        raise UserError(f"{replicates} replicates are asked for, but the data hold {count} simulated studies")
    if not stacked:
        digests = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in rows.ids)
        keys = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
        return [_table([rows[name] for name in COLUMNS], keys)]
    keys = np.arange(rows["z"].shape[1], dtype=np.uint64)
    columns = [rows[name] for name in COLUMNS]
    return [_table([values[i] for values in columns], keys) for i in range(replicates or count)]


def _table(columns: list[np.ndarray], keys: np.ndarray) -> Table:
    x, z, a, y = (binary_checked(values, name) for values, name in zip(columns, COLUMNS, strict=True))
    return Table(x, z, a, y, keys)


def binary_checked(values: np.ndarray, name: str) -> np.ndarray:
    """The column in double precision. Raises UserError where z or a has another value than 0 and 1."""
    column = np.asarray(values, np.float64)
    if name in ("z", "a") and (other := column[(column != 0) & (column != 1)]).size:
        what = "instrument" if name == "z" else "treatment"
        raise UserError(f"{what} {name}: {other[0]:g} is neither 0 nor 1; only binary ones can be estimated with")
    return column
