"""Erased nodes: what learned from a person's rows is deleted, and what was computed there, and how, stays told.

`provenance.json` stays, with the hashes of the files that are gone and `erased: {request, when, files}`. So the node is
not computed again behind anybody's back, a certificate still names the model before by its hash, and what was made of
it keeps its descent. Nothing else ever changes a node.

An erased dataset keeps `erased.arrow`: the tags of what its rows can be named by. So it can still be told which node
read which rows, for this request and for later ones.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.hashes import sha256_of
from neurosieve.artifacts.requested import MATCHES, Match, names_of
from neurosieve.artifacts.store import PROVENANCE, sync_path
from neurosieve.artifacts.tags import tag

TAGS = "erased.arrow"
RECORDS = {PROVENANCE, TAGS, "model.json", "dataset.json", "export.json", "selection.json"}
"""Files of an erased node that stay: they say what it was."""
MEASURED = {"metrics.parquet", "timings.parquet", "candidates.parquet"}
"""Numbers about whole models, and which settings were tried; `items.parquet` has rows of its own and goes."""


def to_erase(directory: Path) -> list[str]:
    """Files of a node that erasing it would delete and that are there."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return [str(path.relative_to(directory)) for path in files if path.name not in RECORDS | MEASURED]


def erase_files(directory: Path, names: Collection[str], request: str, when: str) -> int:
    """Delete files of a node and write down that they are gone, that first; how many bytes there were."""
    record = json.loads((directory / PROVENANCE).read_text())
    before = record.get("erased", {}).get("files", [])
    record["erased"] = {"request": request, "when": when, "files": sorted({*before, *names})}
    _rewrite(directory, record)
    size = 0
    for name in names:
        with suppress(FileNotFoundError):
            size += (directory / name).stat().st_size
            (directory / name).unlink()
    inside = {folder for name in names for folder in Path(name).parents} - {Path(".")}
    for folder in sorted((directory / one for one in inside), reverse=True):
        with suppress(OSError):  # something else lies in it
            folder.rmdir()
    return size


def keep_tags(directory: Path, dataset: Dataset, key: bytes) -> None:
    """Write `erased.arrow` beside a dataset: split, row, match and tag of every row."""
    frames = [
        _tags(dataset, name, match, key)
        for name in dataset.splits
        for match in MATCHES
        if match == "sample_id" or dataset.info.subject is not None
    ]
    pl.concat(frames).write_ipc(directory / TAGS, compression="uncompressed")
    record = json.loads((directory / PROVENANCE).read_text())
    record["files"][TAGS] = sha256_of(directory / TAGS)
    _rewrite(directory, record)


def without_ids(directory: Path) -> bool:
    """Take the ids out of a selection that was stored with them, as all once were; whether it had any."""
    path = directory / "selection.arrow"
    frame = pl.read_ipc(path.read_bytes())  # not mapped: the file is replaced
    if "sample_id" not in frame.columns:
        return False
    aside = path.with_name(f".{path.name}")
    frame.drop("sample_id").write_ipc(aside, compression="uncompressed")
    record = json.loads((directory / PROVENANCE).read_text())
    record["files"][path.name] = sha256_of(aside)
    os.replace(aside, path)
    _rewrite(directory, record)
    return True


def holds_ids(directory: Path) -> bool:
    """Whether a selection still has ids beside its row numbers."""
    try:
        return "sample_id" in pl.read_ipc_schema(directory / "selection.arrow")
    except (OSError, pl.exceptions.PolarsError):
        return False


def read_tags(directory: Path) -> pl.DataFrame | None:
    """The tags that an erased dataset kept: split, row, match, tag; None where it kept none."""
    path = directory / TAGS
    return pl.read_ipc(path) if path.is_file() else None


def _tags(dataset: Dataset, name: str, match: Match, key: bytes) -> pl.DataFrame:
    split = dataset.splits[name]
    rows = np.arange(len(split))
    known: dict[str, str] = {}
    pairs = [
        (int(row), known.setdefault(text, tag(key, text)))
        for row, texts in zip(rows, names_of(split, match, rows), strict=True)
        for text in texts
    ]
    frame = pl.DataFrame(pairs, schema={"row": pl.Int64, "tag": pl.String}, orient="row")
    return frame.select(pl.lit(name).alias("split"), "row", pl.lit(match).alias("match"), "tag")


def _rewrite(directory: Path, record: Mapping[str, Any]) -> None:
    """Replace a node's record, dated as it was: Snakemake must not take what was made of the node for outdated."""
    path, aside = directory / PROVENANCE, directory / f".{PROVENANCE}"
    stat = path.stat()
    aside.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    os.utime(aside, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    sync_path(aside)
    os.replace(aside, path)
