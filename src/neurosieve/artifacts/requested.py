"""A deletion request: a CSV file of ids, and the rows of a dataset that it names.

The file has a column `sample_id` or `subject` (a person may own many rows), or is a single column of sample ids with no
header. Ids are text: `0087` is not 87. A `subject` is looked up in the column that the dataset declares as such; a
`sample_id` among the rows that a row was made of (`source_ids`), which is the row itself where there is no such column.

Errors may end in logs, notes and pages, so they name lines of the file, never ids; `say_ids` is for the terminal of the
person who holds the file.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neurosieve.artifacts.dataset import SOURCES, Dataset, Split
from neurosieve.artifacts.tags import tag
from neurosieve.errors import UserError

Match = Literal["sample_id", "subject"]
MATCHES: tuple[Match, ...] = ("sample_id", "subject")
HEADERS = ("id", "ids", "row_id", "sample", "sample id", "sample-id", "subject_id", "person", "patient", "patient_id")
"""Headers that are neither of the two: taken for an id, they would be said to be not in the data."""
SHOWN = 3
"""How many lines (or ids) an error lists."""


@dataclass(frozen=True)
class Asked:
    """The ids of a request in the order of its file, with the line of each; `name` is the file as it was named."""

    name: str
    match: Match
    ids: tuple[str, ...]
    lines: tuple[int, ...]

    @property
    def reference(self) -> str:
        """What pages call the request: the file's name without its ending."""
        return Path(self.name).stem

    def told(self, which: Collection[str], *, say_ids: bool = False) -> str:
        """Some of the ids: `lines 2, 5, 9, …`, or the ids themselves with `say_ids`."""
        chosen = [(line, text) for line, text in zip(self.lines, self.ids, strict=True) if text in which]
        shown = [text if say_ids else str(line) for line, text in chosen[:SHOWN]]
        more = ", …" if len(chosen) > SHOWN else ""
        head = "" if say_ids else "line " if len(chosen) == 1 else "lines "
        return f"{head}{', '.join(shown)}{more}"


def read_asked(path: Path, name: str | None = None) -> Asked:
    """The ids of a file, as text. Raises UserError when it cannot be read, lists nothing, or lists an id twice."""
    name = name or str(path)
    lines = _lines(path, name)
    header = lines[0][1]
    named = [match for match in MATCHES if match in header]
    if len(named) > 1:
        raise UserError(f"{name}: has a column sample_id and a column subject; keep the one that the request is about")
    if not named and any(len(cells) > 1 for _, cells in lines):
        raise UserError(f"{name}: several columns but none is called sample_id or subject")
    if not named and header[0].lower() in HEADERS:
        raise UserError(f"{name}: line 1, '{header[0]}', reads like a header: call the column sample_id or subject")
    column = header.index(named[0]) if named else 0
    cells = [(line, cells[column] if len(cells) > column else "") for line, cells in lines[bool(named) :]]
    if not cells:
        raise UserError(f"{name}: the list of ids is empty")
    seen: dict[str, int] = {}
    for line, text in cells:
        if not text:
            raise UserError(f"{name}: line {line} has no id")
        if text in seen:
            raise UserError(f"{name}: line {line} repeats the id of line {seen[text]}; list each once")
        seen[text] = line
    return Asked(name, named[0] if named else "sample_id", tuple(seen), tuple(seen.values()))


def _lines(path: Path, name: str) -> list[tuple[int, list[str]]]:
    """Line number and cells of every line that is not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            lines = [(reader.line_num, [cell.strip() for cell in line]) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", error)
        raise UserError(f"{name}: cannot be read as CSV ({why})") from None
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        raise UserError(f"{name}: the list of ids is empty")
    return lines


def names_in(dataset: Dataset, match: Match) -> set[str]:
    """Every id of the dataset that a request could name. Raises UserError when it declares no subject."""
    found: set[str] = set()
    for split in dataset.splits.values():
        found.update(_names(split, match)[0].unique().drop_null().to_pylist())
    return found


def rows_named(dataset: Dataset, match: Match, ids: Collection[str]) -> dict[str, np.ndarray]:
    """Sorted row numbers of the rows that these ids name, by split; splits without one are left out."""
    return {name: rows for name, split in dataset.splits.items() if len(rows := _rows(split, match, ids))}


def rows_tagged(dataset: Dataset, match: Match, tags: Collection[str], key: bytes) -> dict[str, np.ndarray]:
    """The same of ids that are known by their tags alone; a tag of no id here names no row."""
    wanted = set(tags)
    return rows_named(dataset, match, [name for name in names_in(dataset, match) if tag(key, name) in wanted])


def names_of(split: Split, match: Match, rows: np.ndarray) -> list[list[str]]:
    """Of each of these rows the ids that a request could name it by."""
    names, parents = _names(split, match)
    texts = names.to_pylist()
    if parents is None:
        return [[texts[row]] if texts[row] is not None else [] for row in rows]
    bounds = np.searchsorted(parents, np.stack([rows, rows + 1]))  # a row's names lie together
    return [texts[start:end] for start, end in bounds.T]


def _rows(split: Split, match: Match, ids: Collection[str]) -> np.ndarray:
    names, parents = _names(split, match)
    wanted = pc.SetLookupOptions(value_set=pa.array(list(ids), names.type))
    rows = np.flatnonzero(pc.call_function("is_in", [names], wanted).to_numpy(zero_copy_only=False))
    return rows if parents is None else np.unique(parents[rows])


def _names(split: Split, match: Match) -> tuple[pa.Array, np.ndarray | None]:
    """Names of a split's rows as text, and the row of each where a row may have several."""
    if match == "subject":
        if split.info.subject is None:
            raise UserError(
                f"the request lists subjects, but dataset {split.info.name} declares no `subject` column;"
                " list sample_id, or declare whose a row is: `subject: COLUMN` below `dataset`"
            )
        return _text(split.table.column(split.info.subject)), None
    if SOURCES not in split.table.column_names:
        return _text(split.table.column("sample_id")), None
    lists = split.table.column(SOURCES).combine_chunks()
    return _text(lists.flatten()), lists.value_parent_indices().to_numpy()


def _text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    text = column.cast(pa.string())
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def refuse_unmatched(asked: Asked, dataset: Dataset, *, say_ids: bool = False) -> None:
    """Raises UserError when a request names ids that the dataset lacks, no training row, or every one."""
    known = names_in(dataset, asked.match)
    lost = {text for text in asked.ids if text not in known}
    if lost:
        which = asked.told(lost, say_ids=say_ids)
        raise UserError(f"{asked.name}: {len(lost)} of {len(asked.ids)} ids not in the data: {which}")
    for problem in unusable(rows_named(dataset, asked.match, asked.ids), dataset, len(asked.ids)):
        raise UserError(f"{asked.name}: {problem}")


def unusable(rows: dict[str, np.ndarray], dataset: Dataset, ids: int) -> Iterator[str]:
    """Why these rows cannot be forgotten, if so: there is nothing to forget, or nothing would be retained."""
    total = len(dataset.split("train"))
    if "train" not in rows:
        splits = " and ".join(f"'{name}'" for name in sorted(rows))
        yield f"{ids} of {ids} ids are rows of split {splits}, not training rows: nothing was trained on them"
    elif len(rows["train"]) == total:
        yield f"it names all {total} training rows of {dataset.info.name}; none would be retained"
