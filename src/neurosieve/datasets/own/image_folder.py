"""A folder of images, a folder per class: `cats/001.png`; the path below the folder is a row's id.

With `splits: folders` the first level names the split: `train/cats/001.png`. Classes are in the order of their names as
text (0, 1, 10, 11, 2: what torchvision's ImageFolder gives); `classes: numeric`, or a list, is another order. Images
are decoded to grey or colour values, [channels, height, width]; nothing else is done to them but what `preprocess`
says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import field_validator

from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.hashes import files_in
from neurosieve.artifacts.raw import RawFolder
from neurosieve.datasets.own.preprocess import Step
from neurosieve.datasets.own.rows import Found, Own, dataset
from neurosieve.errors import UserError

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
DEEP = ("I", "F")
"""Kinds of pixels that would be cut to 8 bits."""
FOLDERS = "folders"


class Params(Own):
    """The folder, and how its images are read."""

    folder: RawFolder
    """Folder with a folder of images per class, relative to the project."""
    mode: Literal["RGB", "L"] = "RGB"
    """RGB: three channels; L: one of grey values."""
    subject: str | None = None
    """Regular expression whose first group, found in an image's path, says whose it is: `p(\\d+)_`."""
    preprocess: tuple[Step, ...] = (Step(scale=1 / 255),)
    """What is done to the values 0 to 255, in this order; `{resize: [height, width]}` comes first."""

    @field_validator("subject")
    @classmethod
    def _compiles(cls, subject: str | None) -> str | None:
        try:
            groups = re.compile(subject).groups if subject is not None else 1
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        if groups < 1:
            raise ValueError("needs a group in brackets, such as p(\\d+)_")
        return subject


def prepare(params: Params) -> Dataset:
    """Decode and check. Raises UserError for what is no image, images of several sizes, and folders without images."""
    where = f"own.image_folder: {Path(params.folder).name}"
    names, skipped = _names(params, where)
    split = params.splits.column == FOLDERS
    classes = np.array([name.split("/")[split] for name in names])
    subjects = None if params.subject is None else _subjects(names, params.subject, where)
    others = {} if subjects is None else {"subject": subjects}
    if split:
        others["split"] = np.array([name.split("/")[0] for name in names])
    notes = f"{skipped} files beside the images were not read." if skipped else ""
    found = Found(
        where, Path(params.folder).name, _decoded(params, names, where), np.array(names), classes, "class", others,
        "subject" if params.subject else None, "split" if split else None, notes=notes,
    )  # fmt: skip
    rest = tuple(step for step in params.preprocess if step.resize is None)
    return dataset(found, params.model_copy(update={"preprocess": rest}))


def _names(params: Params, where: str) -> tuple[list[str], int]:
    """Paths of the images below the folder, and how many other files lie there."""
    if params.splits.column not in (None, FOLDERS):
        raise UserError(f"{where}: splits: a folder has no column '{params.splits.column}'; write folders, or shares")
    everything = files_in(Path(params.folder))
    names = [name for name in everything if name.lower().endswith(ENDINGS)]
    deep = 2 + (params.splits.column == FOLDERS)
    for name in names:
        if len(name.split("/")) < deep:
            tree = "split/class/image" if deep == 3 else "class/image"
            raise UserError(f"{where}: {name} does not lie in a class's folder; the tree is {tree}")
    if not names:
        raise UserError(f"{where}: no image ({', '.join(ENDINGS)}) among {len(everything)} files")
    return names, len(everything) - len(names)


def _subjects(names: list[str], pattern: str, where: str) -> np.ndarray:
    found = [re.search(pattern, name) for name in names]
    missing = [name for name, match in zip(names, found, strict=True) if match is None or match[1] is None]
    if missing:
        raise UserError(f"{where}: subject: {pattern} is not found in {missing[0]} ({len(missing)} of {len(names)})")
    return np.array([match[1] for match in found if match is not None])


def _decoded(params: Params, names: list[str], where: str) -> np.ndarray:
    """Images [rows, channels, height, width], bytes."""
    from PIL import Image

    size = next((step.resize for step in params.preprocess if step.resize), None)
    rows: np.ndarray | None = None
    for at, name in enumerate(names):
        try:
            with Image.open(Path(params.folder) / name) as opened:
                if opened.mode.partition(";")[0] in DEEP:
                    raise ValueError(f"its values ({opened.mode}) are more than 8 bits and would be cut; use own.npz")
                image = opened.convert(params.mode)
                if size is not None:
                    image = image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise UserError(f"{where}: {name} cannot be read as an image: {str(error).splitlines()[0]}") from None
        pixels = np.asarray(image).reshape(image.height, image.width, -1).transpose(2, 0, 1)
        if rows is None:
            rows = np.empty((len(names), *pixels.shape), np.uint8)
        if pixels.shape != rows.shape[1:]:
            first, this = ("x".join(map(str, shape[1:])) for shape in (rows.shape[1:], pixels.shape))
            raise UserError(
                f"{where}: {names[0]} is {first} pixels and {name} {this}: add {{resize: [height, width]}} to"
                " preprocess"
            )
        rows[at] = pixels
    assert rows is not None
    return rows
