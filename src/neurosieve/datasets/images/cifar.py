"""CIFAR-10, CIFAR-100 and CIFAR-20: 60,000 real colour photographs, from the binary archive as published.

32 x 32 pixels, red, green, blue 0..255; CIFAR-10 has 10 classes of 5000 training and 1000 test rows, CIFAR-100 has 100
of 500 and 100. CIFAR-20 is CIFAR-100 with `labels: coarse`: 20 groups of five classes. Equal counts per (fine) class
are drawn (seeded) from the publisher's own batches: `train` and `validation` from the training batches, `test` from
the test batch. Rows lie in the order of the draw. Standardised per channel by default.
Columns: x float32 [3, 32, 32]; label int64, the target; fine int64, the class; coarse int64, its group (CIFAR-100
only). sample_id is batch and row number there, "train-00000" to "test-09999".

The archive comes from `make data` or from its home page by hand; nothing is fetched here. It enters keys by content.
Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

from __future__ import annotations

import tarfile
import zlib
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.images.files import drawn_rows, located, standardised_bytes
from neurosieve.datasets.transforms import fitted_on, unit
from neurosieve.errors import UserError

FOLDER = "data/cifar"
"""Where `make data` puts the archives."""
SHAPE = (3, 32, 32)
BATCHES = {
    "cifar10": {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]},
    "cifar100": {"train": ["train.bin"], "test": ["test.bin"]},
}
NAMES = {
    "cifar10": {"fine": "batches.meta.txt"},
    "cifar100": {"coarse": "coarse_label_names.txt", "fine": "fine_label_names.txt"},
}
"""Files of class names, by column, in the order of a row's label bytes."""


class Params(BaseModel):
    """Archive, labels, scaling and split."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    set_: Literal["cifar10", "cifar100"] = Field("cifar10", alias="set")
    """Which of the two."""
    folder: str = Field(FOLDER, exclude=True)
    """Folder of the archive."""
    archive: RawFile = Field("", validate_default=True)
    """The binary version's tar.gz; empty: cifar-10-binary.tar.gz or cifar-100-binary.tar.gz in `folder`."""
    labels: Literal["fine", "coarse"] = "fine"
    """What `label` is: the class, or (CIFAR-100) its group of five."""
    scaling: Literal["standardise", "unit"] = "standardise"
    """standardise: per channel minus the mean, over the standard deviation, of all training pixels; unit: 0..1."""
    train: int | None = Field(None, ge=1)
    """Training rows per class; null: all that `validation` leaves."""
    validation: int = Field(0, ge=0)
    """Validation rows per class, from the training batches; 0 makes no such split."""
    test: int | None = Field(None, ge=1)
    """Test rows per class; null: all."""

    @field_validator("archive")
    @classmethod
    def _found(cls, given: str, info: ValidationInfo) -> str:
        kind = str(info.data.get("set_", "cifar10"))
        name = f"cifar-{kind.removeprefix('cifar')}-binary.tar.gz"
        remedy = f"run `make data DATA={kind}`, or save the binary version from the data set's home page there"
        return given or located(info.data.get("folder", FOLDER), name, remedy)

    @model_validator(mode="after")
    def _has_groups(self) -> Params:
        if self.labels == "coarse" and "coarse" not in NAMES[self.set_]:
            raise ValueError(f"labels: coarse, but {self.set_} has no coarse labels; use set: cifar100")
        return self


def prepare(params: Params, seed: int) -> Dataset:
    """Read, draw (seeded), scale. Pixels are scaled by figures of the training rows alone.

    Raises UserError when the archive is damaged or another one, or a class has too few rows.
    """
    members = _members(Path(params.archive), params.set_)
    kinds = list(NAMES[params.set_])
    files = {file: _rows(members, names, len(kinds), params.archive) for file, names in BATCHES[params.set_].items()}
    columns = {file: dict(zip(kinds, labels.T, strict=True)) for file, (_, labels) in files.items()}
    counts = {"train": params.train, "validation": params.validation, "test": params.test}
    fine = {file: labels["fine"] for file, labels in columns.items()}
    rows = drawn_rows(fine, counts, np.random.default_rng(seed), "images.cifar")
    source = {split: "test" if split == "test" else "train" for split in rows}
    images = [files[source[split]][0][part] for split, part in rows.items()]
    scaled = standardised_bytes(*images) if params.scaling == "standardise" else [unit(part) for part in images]
    splits = {
        split: {
            "sample_id": [f"{source[split]}-{row:05d}" for row in part],
            "x": x,
            "label": columns[source[split]][params.labels][part],
            **{kind: columns[source[split]][kind][part] for kind in kinds},
        }
        for (split, part), x in zip(rows.items(), scaled, strict=True)
    }
    return Dataset.from_arrays(_info(params, members), splits)


def _members(archive: Path, kind: str) -> dict[str, bytes]:
    """Contents of the archive's files by name, without folders. Raises UserError when one is missing."""
    wanted = {*chain(*BATCHES[kind].values()), *NAMES[kind].values()}
    found = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                name = Path(member.name).name
                if name in wanted and (content := tar.extractfile(member)):
                    found[name] = content.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise UserError(f"{archive}: cannot be read as tar.gz ({error}); get the archive again") from None
    if missing := sorted(wanted - set(found)):
        raise UserError(f"{archive}: no {missing[0]} in it; it is not the binary version of {kind}")
    return found


def _rows(members: dict[str, bytes], names: list[str], labels: int, archive: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels 0..255 [rows, 3, 32, 32] and label columns [rows, labels] of batches one after another."""
    length = labels + int(np.prod(SHAPE))
    content = b"".join(members[name] for name in names)
    if not content or len(content) % length:
        raise UserError(f"{archive}: {', '.join(names)} hold {len(content)} bytes, no multiple of {length}")
    table = np.frombuffer(content, np.uint8).reshape(-1, length)
    return table[:, labels:].reshape(-1, *SHAPE), table[:, :labels].astype(np.int64)


def _info(params: Params, members: dict[str, bytes]) -> DatasetInfo:
    kinds = NAMES[params.set_]
    unit_of_x = "standard deviations" if params.scaling == "standardise" else "share of full brightness"
    meanings = {"coarse": "group of five classes, by number", "fine": "the class, by number"}
    return DatasetInfo(
        name="cifar20" if params.labels == "coarse" else params.set_,
        origin="real",
        source=f"{params.set_}, binary version (Krizhevsky 2009)",
        licence="none stated by the authors; they ask that the 2009 report be cited",
        inputs="x",
        target="label",
        class_names=tuple(members[kinds[params.labels]].decode().split()),
        fitted=fitted_on(params.scaling),
        columns={
            "sample_id": ColumnInfo(meaning="the publisher's batches and the row's number in them"),
            "x": ColumnInfo(meaning="red, green, blue", unit=unit_of_x),
            "label": ColumnInfo(meaning=f"the target: {params.labels}"),
            **{kind: ColumnInfo(meaning=meanings[kind]) for kind in kinds},
        },
    )
