"""Rows to forget listed by `sample_id` in a CSV file.

The file has a column `sample_id`, or a single column of ids with or without that header. Ids are text: `0087` is
not 87. Every id must be a training row and may occur once.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.data import Selection
from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.raw import RawFile
from neurosieve.errors import UserError

SHOWN = 3
"""How many unknown ids an error lists."""


class Params(BaseModel):
    """The list."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    ids_file: RawFile
    """CSV file, relative to the project's folder."""


def prepare(params: Params, of: Dataset) -> Selection:
    """The training rows listed. Raises UserError for a bad file, an unknown id or one that occurs twice."""
    ids = read_ids(Path(params.ids_file))
    known = {sample_id: row for row, sample_id in enumerate(of.split("train").ids)}
    unknown = [sample_id for sample_id in ids if sample_id not in known]
    if unknown:
        raise UserError(f"{params.ids_file}: {_unknown(unknown, len(ids), of)}")
    rows = np.sort(np.array([known[sample_id] for sample_id in ids], dtype=np.int64))
    return Selection({"train": rows}, f"{len(ids)} listed training rows")


def read_ids(path: Path) -> list[str]:
    """Ids of a file in their order, as text. Raises UserError when it cannot be read or an id occurs twice."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file, skipinitialspace=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV ({error})") from None
    lines = [line for line in lines if any(line)]
    if not lines:
        raise UserError(f"{path}: the list of ids is empty")
    header = lines[0]
    column = header.index("sample_id") if "sample_id" in header else None
    if column is None and any(len(line) > 1 for line in lines):
        raise UserError(f"{path}: several columns but none is called sample_id (first line: {', '.join(header)})")
    ids = [line[column or 0] if len(line) > (column or 0) else "" for line in lines[column is not None :]]
    _check(path, ids)
    return ids


def _check(path: Path, ids: list[str]) -> None:
    if not ids:
        raise UserError(f"{path}: the list of ids is empty")
    if "" in ids:
        raise UserError(f"{path}: id number {ids.index('') + 1} is empty")
    seen: set[str] = set()
    for sample_id in ids:
        if sample_id in seen:
            raise UserError(f"{path}: id '{sample_id}' is listed twice; list each row once")
        seen.add(sample_id)


def _unknown(unknown: list[str], total: int, of: Dataset) -> str:
    """'3 of 5 ids not in the data: a, b, c', or which split they lie in."""
    shown = ", ".join(unknown[:SHOWN]) + (", …" if len(unknown) > SHOWN else "")
    for name, split in of.splits.items():
        if name != "train" and set(unknown) <= set(split.ids.tolist()):
            return f"{len(unknown)} of {total} ids are rows of split '{name}', not training rows: {shown}"
    return f"{len(unknown)} of {total} ids not in the data: {shown}"
