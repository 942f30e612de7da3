"""A little dataset whose rows belong to people, and requests about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurosieve.artifacts.dataset import SOURCES, ColumnInfo, Dataset, DatasetInfo

IDS = ["0087", "87", "0012", "12", "0003", "a,b"]


def owned(
    *,
    subject: str | None = "who",
    fitted: tuple[str, ...] | None = None,
    sources: Sequence[Sequence[str]] | None = None,
) -> Dataset:
    """Six training rows, two of validation, two of test; `sources` are those of the training rows."""
    whose = {"train": ["ann", "bob", "bob", "ann", "cy", "cy"], "validation": ["bob", "cy"], "test": ["dee", "ann"]}
    ids = {"train": IDS, "validation": ["v0", "v1"], "test": ["t0", "t1"]}
    splits = {
        name: {"sample_id": rows, "who": whose[name], "x": np.arange(len(rows), dtype=np.float32)[:, None]}
        for name, rows in ids.items()
    }
    if sources is not None:
        for name, columns in splits.items():
            columns[SOURCES] = list(sources) if name == "train" else [[one] for one in ids[name]]
    info = DatasetInfo(
        name="owned", origin="simulated", source="tests", licence="none", inputs="x", subject=subject, fitted=fitted,
        columns={name: ColumnInfo(meaning=name) for name in splits["train"]},
    )  # fmt: skip
    return Dataset.from_arrays(info, splits)


def request(folder: Path, *ids: str, match: str = "sample_id", name: str = "R-2026-01") -> Path:
    """A request's file in the folder's `data/requests/`."""
    path = folder / "data" / "requests" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{one}\n" for one in (match, *ids)))
    return path
