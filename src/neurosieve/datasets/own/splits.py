"""Which rows train, validate and test: told by a column, or drawn by a hash, so that a row stays where it is.

A row's lot is BLAKE2b(seed, id) / 2^64 in [0, 1): below `test` it is a test row, below `test + validation` a validation
row, else a training row. Rows added or taken away later move no other row. Where a subject is declared it is drawn
instead of the row: all rows of a person lie in one split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.errors import UserError

NAMES = ("train", "validation", "test")
ALIASES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}


class Splits(BaseModel):
    """The column that tells, or the shares that are drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    column: str | None = None
    """Column that holds train, validation or test."""
    test: float = Field(0.2, ge=0, lt=1)
    """Share of the rows held out for tests."""
    validation: float = Field(0.1, ge=0, lt=1)
    """Share of the rows that settings are chosen on."""
    seed: int = 0
    """Another seed draws other rows."""

    @model_validator(mode="before")
    @classmethod
    def _column_alone(cls, given: object) -> object:
        return {"column": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _some_train(self) -> Splits:
        if self.test + self.validation >= 1:
            raise ValueError(f"test {self.test} and validation {self.validation} leave no training rows")
        return self


def told(values: Sequence[str], where: str) -> np.ndarray:
    """Number in `NAMES` of each row [rows] from a column's texts. Raises UserError for any other text."""
    numbers = {name: at for at, name in enumerate(NAMES)} | {name: NAMES.index(of) for name, of in ALIASES.items()}
    found = []
    for row, value in enumerate(values):
        if value.lower() not in numbers:
            raise UserError(f"{where} is '{value}' in row {row + 1}; it is one of {', '.join(NAMES)}")
        found.append(numbers[value.lower()])
    return _with_train(np.array(found, np.int64), where)


def drawn(owners: Sequence[str], splits: Splits, where: str) -> np.ndarray:
    """Number in `NAMES` of each row [rows] from the id (or subject) of each.

    Raises UserError where a split that has a share gets no row.
    """
    lots = np.array([lot(owner, splits.seed) for owner in owners])
    found = np.where(lots < splits.test, 2, np.where(lots < splits.test + splits.validation, 1, 0))
    for name, share in (("test", splits.test), ("validation", splits.validation)):
        if share and not (found == NAMES.index(name)).any():
            raise UserError(
                f"{where}: no row of {len(found)} was drawn for {name} ({share:.0%}); set splits: {{{name}: …}} higher,"
                " to 0, or name a column"
            )
    return _with_train(found, where)


def lot(owner: str, seed: int) -> float:
    """The lot of a row or a person, in [0, 1)."""
    digest = hashlib.blake2b(f"{seed}\0{owner}".encode(errors="surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _with_train(found: np.ndarray, where: str) -> np.ndarray:
    if not (found == 0).any():
        raise UserError(f"{where}: no row is a training row")
    return found
