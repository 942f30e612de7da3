"""A prepared dataset as Croissant 1.0: `metadata.json` beside one Parquet file per split.

Croissant's readers know no Arrow IPC files, so each split is written once more as Parquet: tensor columns as flat lists
of numbers, their shape in the field's `arrayShape`. Columns that only evaluation may see are in there too, and say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from neurosieve.artifacts.dataset import Dataset, DatasetInfo, read_dataset
from neurosieve.artifacts.hashes import sha256_of
from neurosieve.artifacts.store import read_provenance
from neurosieve.errors import UserError
from neurosieve.plan.nodes import Node
from neurosieve.plan.project import Project

CONFORMS = "http://mlcommons.org/croissant/1.0"
KINDS = {"f": "FLOAT", "i": "INTEGER", "u": "INTEGER", "b": "BOOL"}


def write_croissant(project: Project, node: Node, paper: Mapping[str, Any] | None, folder: Path) -> int:
    """Write the dataset of a prepare node; the number of records. Raises UserError when its validator complains."""
    import mlcroissant as mlc

    source = project.store.path(node.folder)
    dataset = read_dataset(source, hidden=True)
    folder.mkdir(parents=True)
    context = mlc.Context(conforms_to=cast("Any", CONFORMS))
    files = [_parquet(mlc, context, dataset, split, folder) for split in dataset.splits]
    records = [_record_set(mlc, context, dataset, split) for split in dataset.splits]
    run = read_provenance(source)["run"]
    try:
        metadata = _metadata(mlc, context, dataset.info, node, paper, run["started"], files, records)
    except mlc.ValidationError as error:
        raise UserError(f"dataset {dataset.info.name} ({node.folder}) makes no valid Croissant: {error}") from None
    text = json.dumps(metadata.to_json(), indent=2, ensure_ascii=False, default=str)
    (folder / "metadata.json").write_text(text + "\n", encoding="utf-8")
    return sum(len(split) for split in dataset.splits.values())


def _metadata(
    mlc: Any,
    context: Any,
    info: DatasetInfo,
    node: Node,
    paper: Mapping[str, Any] | None,
    started: str,
    files: list[Any],
    records: list[Any],
) -> Any:
    """The dataset's own entry; mlcroissant validates it as it is made."""
    return mlc.Metadata(
        ctx=context,
        name=info.name,
        description=f"{_description(info)} Node {node.name}-{node.key} of a neurosieve store.",
        license=[info.licence],
        cite_as=_citation(paper),
        url=info.source if info.source.startswith(("https://", "http://")) else None,
        version="1.0.0",
        date_published=datetime.fromisoformat(started),
        distribution=files,
        record_sets=records,
    )


def _description(info: DatasetInfo) -> str:
    return f"{info.origin.capitalize()} data. Source: {info.source}.{f' {info.notes}' if info.notes else ''}"


def _citation(paper: Mapping[str, Any] | None) -> str | None:
    """The published system that the study repeats; a user's own study has none."""
    if not paper:
        return None
    parts = (paper.get("authors"), paper.get("title"), paper.get("year"), paper.get("arxiv"))
    return ". ".join(str(part) for part in parts if part)


def _parquet(mlc: Any, context: Any, dataset: Dataset, split: str, folder: Path) -> Any:
    """The split as Parquet, and the entry that names it by content."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    columns = {}
    for name in dataset.info.columns:
        values = dataset.splits[split][name]
        flat = values.reshape(len(values), -1)
        columns[name] = pa.array(values) if values.ndim == 1 else _lists(pa, flat)
    path = folder / f"{split}.parquet"
    parquet.write_table(pa.table(columns), path)
    return mlc.FileObject(
        ctx=context,
        id=path.name,
        name=path.name,
        content_url=path.name,
        content_size=f"{path.stat().st_size} B",
        encoding_formats=["application/x-parquet"],
        sha256=sha256_of(path),
    )


def _lists(pa: Any, flat: np.ndarray) -> Any:
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), flat.shape[1])


def _record_set(mlc: Any, context: Any, dataset: Dataset, split: str) -> Any:
    """One record per row of the split, one field per column."""
    fields = []
    for name, column in dataset.info.columns.items():
        values = dataset.splits[split][name]
        words = f"{column.meaning}{f', in {column.unit}' if column.unit else ''}"
        shape = {"is_array": True, "array_shape": ",".join(map(str, values.shape[1:]))} if values.ndim > 1 else {}
        fields.append(
            mlc.Field(
                ctx=context,
                id=f"{split}/{name}",
                name=name,
                description=words + ("; only evaluation may see it" if column.hidden else ""),
                data_types=[getattr(mlc.DataType, KINDS.get(values.dtype.kind, "TEXT"))],
                source=mlc.Source(
                    ctx=context, file_object=f"{split}.parquet", extract=mlc.Extract(ctx=context, column=name)
                ),
                **shape,
            )
        )
    return mlc.RecordSet(ctx=context, id=split, name=split, description=f"The split {split}.", fields=fields)
