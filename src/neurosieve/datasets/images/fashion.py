"""Fashion-MNIST: 70,000 real pictures of clothes from a shop, as four IDX files that lie on the machine.

28 x 28 grey values 0..255, 10 classes, 6000 training and 1000 test rows each; here averaged over blocks to `size`
pixels a side and scaled, with equal counts per class drawn (seeded) from the publisher's own files: `train` and
`validation` from the training file, `test` from the test file. Rows lie in the order of the draw.
Columns: x float32 [1, size, size], label int64; sample_id is file and row number there, "train-00000" to "test-09999".

The files come from Debian's package dataset-fashion-mnist or from `make data`; nothing is fetched here. They enter
keys by content, the folder does not.
Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST" (2017), arXiv 1708.07747.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.raw import RawFile
from neurosieve.datasets.images.files import drawn_rows, located, read_idx
from neurosieve.datasets.transforms import block_mean, fitted_on, standardise, unit
from neurosieve.errors import UserError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package puts the files."""
FETCHED = "data/fashion-mnist"
"""Where `make data` puts them."""
REMEDY = "install Debian's package dataset-fashion-mnist, or run `make data DATA=fashion-mnist`"
FILES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}
SIDE = 28
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class Params(BaseModel):
    """Files, resolution, scaling and split."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    folder: str = Field("", exclude=True)
    """Folder of the four files; empty: the Debian package's where it is installed, else data/fashion-mnist."""
    train_images: RawFile = Field("", validate_default=True)
    """IDX file of training images, plain or gzip; empty: the publisher's name in `folder`. The others alike."""
    train_labels: RawFile = Field("", validate_default=True)
    """IDX file of their labels."""
    test_images: RawFile = Field("", validate_default=True)
    """IDX file of test images."""
    test_labels: RawFile = Field("", validate_default=True)
    """IDX file of their labels."""
    size: Literal[28, 14, 7] = 28
    """Pixels a side, by averaging over blocks of 28 / size."""
    scaling: Literal["standardise", "unit"] = "standardise"
    """standardise: minus the mean, over the standard deviation, of all training pixels; unit: 0..1."""
    train: int | None = Field(None, ge=1)
    """Training rows per class; null: all that `validation` leaves."""
    validation: int = Field(0, ge=0)
    """Validation rows per class, from the training file; 0 makes no such split."""
    test: int | None = Field(None, ge=1)
    """Test rows per class; null: all."""

    @field_validator(*FILES)
    @classmethod
    def _found(cls, given: str, info: ValidationInfo) -> str:
        folder = info.data.get("folder") or (str(DEBIAN) if DEBIAN.is_dir() else FETCHED)
        return given or located(folder, FILES[str(info.field_name)], REMEDY)


def prepare(params: Params, seed: int) -> Dataset:
    """Read, draw (seeded), average, scale. Pixels are scaled by figures of the training rows alone.

    Raises UserError when a file is damaged, the files do not belong together or a class has too few rows.
    """
    files = {
        "train": _read(params.train_images, params.train_labels),
        "test": _read(params.test_images, params.test_labels),
    }
    counts = {"train": params.train, "validation": params.validation, "test": params.test}
    labels = {file: content[1] for file, content in files.items()}
    rows = drawn_rows(labels, counts, np.random.default_rng(seed), "images.fashion")
    source = {split: "test" if split == "test" else "train" for split in rows}
    factor = SIDE // params.size
    images = [block_mean(unit(files[source[split]][0][part]), factor) for split, part in rows.items()]
    if params.scaling == "standardise":
        images = list(standardise(*images))
    splits = {
        split: {
            "sample_id": [f"{source[split]}-{row:05d}" for row in part],
            "x": x,
            "label": labels[source[split]][part],
        }
        for (split, part), x in zip(rows.items(), images, strict=True)
    }
    return Dataset.from_arrays(_info(params), splits)


def _read(images: str, labels: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels 0..255 [rows, 1, 28, 28] and labels [rows] of one pair of files."""
    pixels, classes = read_idx(Path(images)), read_idx(Path(labels))
    if pixels.shape[1:] != (SIDE, SIDE):
        raise UserError(f"{images}: wanted images of {SIDE} x {SIDE}, the file has shape {list(pixels.shape)}")
    if classes.shape != pixels.shape[:1] or classes.max(initial=0) >= len(CLASSES):
        raise UserError(f"{labels}: wanted {len(pixels)} labels 0 to {len(CLASSES) - 1}; it belongs to other images")
    return pixels[:, None], classes.astype(np.int64)


def _info(params: Params) -> DatasetInfo:
    unit_of_x = "standard deviations" if params.scaling == "standardise" else "share of full brightness"
    return DatasetInfo(
        name="fashion",
        origin="real",
        source="Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), the publisher's IDX files",
        licence="MIT (Expat), copyright 2017 Zalando SE",
        inputs="x",
        target="label",
        class_names=CLASSES,
        fitted=fitted_on(params.scaling),
        columns={
            "sample_id": ColumnInfo(meaning="the publisher's file and the row's number in it"),
            "x": ColumnInfo(meaning=f"grey values, {params.size} x {params.size} block mean", unit=unit_of_x),
            "label": ColumnInfo(meaning="kind of garment"),
        },
    )
