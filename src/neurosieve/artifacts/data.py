"""What a component sees of the data: the splits and, where the study forgets, the parts all, forget, retain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from neurosieve.artifacts.dataset import Dataset, DatasetInfo, Split
from neurosieve.errors import UserError

Part = Literal["all", "forget", "retain"]


@dataclass(frozen=True)
class Selection:
    """Rows chosen from a dataset: per split, sorted row numbers. `what` says how they were chosen, in words.

    A rule such as `where` chooses in every split; drawn or listed rows lie in the training split alone.
    """

    rows: Mapping[str, np.ndarray]
    what: str

    def mask(self, split: Split) -> np.ndarray:
        """True where a row of the whole split is selected [rows]."""
        chosen = np.zeros(split.table.num_rows, dtype=bool)
        chosen[self.rows.get(split.name, np.empty(0, dtype=np.int64))] = True
        return chosen if split.rows is None else chosen[split.rows]


@dataclass(frozen=True)
class Data:
    """Splits of one dataset, with the rows to forget where the component asked for them (`VIEWS`).

    `train`, `validation`, `test` are whole splits; `all`, `forget`, `retain` are parts of the training split and
    `part(name, split)` the same of any split. Without a selection, forget and retain raise UserError.
    """

    info: DatasetInfo
    splits: Mapping[str, Split]
    selection: Selection | None = None

    @staticmethod
    def of(dataset: Dataset, selection: Selection | None = None) -> Data:
        return Data(dataset.info, dataset.splits, selection)

    def split(self, name: str) -> Split:
        if name not in self.splits:
            raise UserError(f"dataset {self.info.name} has no split '{name}' here; there are {', '.join(self.splits)}")
        return self.splits[name]

    @property
    def train(self) -> Split:
        return self.split("train")

    @property
    def validation(self) -> Split:
        return self.split("validation")

    @property
    def test(self) -> Split:
        return self.split("test")

    @property
    def all(self) -> Split:
        return self.part("all")

    @property
    def forget(self) -> Split:
        return self.part("forget")

    @property
    def retain(self) -> Split:
        return self.part("retain")

    @property
    def unseen(self) -> np.ndarray:
        """True for the test rows that are most like the rows to forget [test rows]: those that the selection covers.

        All of them where it covers none (listed or drawn rows), or where there is no selection.
        """
        covered = np.zeros(len(self.test), bool) if self.selection is None else self.selection.mask(self.test)
        return covered if covered.any() else np.ones(len(self.test), bool)

    def part(self, part: Part, split: str = "train") -> Split:
        """Rows of `split` that belong to the part; `all` is the whole split."""
        rows = self.split(split)
        if part == "all":
            return rows
        if self.selection is None:
            raise UserError(
                f"this component asked for the {part} rows, but the study forgets nothing or the component does not"
                " declare VIEWS"
            )
        chosen = self.selection.mask(rows)
        return rows.take(np.flatnonzero(chosen if part == "forget" else ~chosen))


def write_selection(directory: Path, selection: Selection, dataset: Dataset) -> None:
    """Write `selection.arrow` (split, row) and `selection.json` (what, counts): no id of a row that is to be forgotten.

    Raises UserError when no training row or every training row is selected.
    """
    chosen, total = len(selection.rows.get("train", ())), len(dataset.split("train"))
    if chosen == 0:
        raise UserError(f"forget: {selection.what} matches no training row of {dataset.info.name} ({total} rows)")
    if chosen == total:
        raise UserError(
            f"forget: {selection.what} matches all {total} training rows of {dataset.info.name}; none would be retained"
        )
    frames = [
        pl.DataFrame({"split": [name] * len(rows), "row": np.asarray(rows, np.int64)})
        for name, rows in selection.rows.items()
        if len(rows)
    ]
    pl.concat(frames).write_ipc(directory / "selection.arrow", compression="uncompressed")
    counts = {name: len(rows) for name, rows in selection.rows.items()}
    text = json.dumps({"what": selection.what, "counts": counts}, indent=2, sort_keys=True)
    (directory / "selection.json").write_text(text + "\n")


def read_selection(directory: Path) -> Selection:
    """Read back what `write_selection` wrote."""
    frame = pl.read_ipc(directory / "selection.arrow")
    what = json.loads((directory / "selection.json").read_text())["what"]
    return Selection(
        {name: rows["row"].to_numpy() for (name,), rows in frame.group_by("split", maintain_order=True)}, what
    )
