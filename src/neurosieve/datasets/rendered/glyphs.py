"""Printed characters under random affine jitter: one renderer; its defaults are the set glyph100.

glyph100: 100 classes (A-Z, 31 Cyrillic, 25 Greek, 18 Armenian letters, in this order), the 12 DejaVu faces packed with
matplotlib, 6 jitters each. A character is drawn at `px` pixels with its ink centred on a canvas of `canvas` pixels a
side, then rotated, scaled, sheared and shifted about the centre (bilinear), averaged over blocks to `size` pixels and
scaled. Whole faces are held out for testing: 5400 training and 1800 test rows. Some classes look alike across scripts
(o, p, c): that confusion is meant. Rows lie in a drawn order, so stored order is random.

Columns: x float32 [1, size, size]; label int64, the target: `fine` or `coarse` by parameter; fine int64, the
character; coarse int64 = fine // group; face, char text; jitter int64. sample_id is "<fine>-<face>-<jitter>", such as
"041-Serif-Bold-3". Jitter is drawn for every (character, face, jitter) of the seed, whatever `labels`, `validation` and
`test_faces` say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.datasets.transforms import block_mean, fitted_on, standardise, unit
from neurosieve.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

SETS = {
    "glyph100": "".join(
        chr(code)
        for first, last in [("A", "Z"), ("\u0431", "\u044f"), ("\u03b1", "\u03c9"), ("\u0561", "\u0572")]
        for code in range(ord(first), ord(last) + 1)
    )
}
"""Characters of each named set, in the order of the classes: Latin, Cyrillic, Greek, Armenian."""

FACES = tuple(
    family + style
    for family, slanted in [("Sans", "Oblique"), ("SansMono", "Oblique"), ("Serif", "Italic")]
    for style in ("", "-Bold", f"-{slanted}", f"-Bold{slanted}")
)
"""The DejaVu faces that hold letters, by file name without "DejaVu" (the Display faces hold none)."""


class Params(BaseModel):
    """Characters, faces, jitter, resolution, labels and split."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    set_: Literal["glyph100"] = Field("glyph100", alias="set")
    """A named set of characters."""
    chars: str = ""
    """Other characters instead, one class each in this order."""
    faces: tuple[str, ...] = Field(FACES, min_length=1)
    """Faces to draw in; file names of DejaVu fonts without "DejaVu"."""
    test_faces: tuple[str, ...] = Field(("Sans-Oblique", "SansMono-Bold", "Serif"), min_length=1)
    """Faces whose rows are the test split; all others are for training."""
    jitters: int = Field(6, ge=1)
    """Rows per character and face."""
    validation: int = Field(0, ge=0)
    """Of them, in every training face, so many rows of each character make the validation split; 0 makes none."""
    px: int = Field(40, ge=4)
    """Size of the font in pixels."""
    canvas: int = Field(64, ge=8)
    """Side of the canvas that is drawn on, in pixels."""
    size: int = Field(16, ge=1)
    """Side of the rows' images in pixels; divides `canvas`."""
    rotation: float = Field(15.0, ge=0, le=180)
    """Largest rotation either way, in degrees."""
    scale: tuple[float, float] = (0.8, 1.2)
    """Smallest and largest factor on the size."""
    shear: float = Field(0.2, ge=0, lt=2)
    """Largest horizontal shear either way, in pixels per pixel of height."""
    shift: float = Field(5.0, ge=0)
    """Largest shift either way, along both sides, in pixels of the canvas."""
    scaling: Literal["standardise", "unit"] = "standardise"
    """standardise: minus the mean, over the standard deviation, of all training pixels; unit: 0..1."""
    labels: Literal["fine", "coarse"] = "fine"
    """What `label` is: the character, or its group."""
    group: int = Field(5, ge=1)
    """Characters per coarse class, in their order."""

    @property
    def characters(self) -> str:
        """The characters drawn, by class."""
        return self.chars or SETS[self.set_]

    @model_validator(mode="after")
    def _fits(self) -> Params:
        twice = [c for c in self.characters if self.characters.count(c) > 1]
        unknown = [face for face in (*self.faces, *self.test_faces) if face not in FACES]
        if unknown:
            raise ValueError(f"no face '{unknown[0]}'; there are {', '.join(FACES)}")
        if twice:
            raise ValueError(f"character '{twice[0]}' stands twice in chars; classes are distinct")
        if not set(self.test_faces) < set(self.faces):
            raise ValueError("test_faces must be some, not all, of faces: the others are for training")
        if self.canvas % self.size:
            raise ValueError(f"canvas {self.canvas} is no multiple of size {self.size}")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f"scale {list(self.scale)} is no range of positive factors")
        if self.validation >= self.jitters:
            raise ValueError(f"validation {self.validation} leaves no training row of {self.jitters} jitters")
        return self


def prepare(params: Params, seed: int) -> Dataset:
    """Draw, jitter (seeded), average, split by face, scale. Pixels are scaled by figures of the training rows alone.

    Raises UserError when a face lacks a character or a glyph leaves its canvas before any jitter.
    """
    draw = np.random.default_rng(seed)
    chars, faces, jitters = params.characters, params.faces, params.jitters
    maps = _inverse_maps(params, (len(faces), len(chars), jitters), draw)
    images = np.concatenate(
        [_jittered(glyphs, maps[number], params) for number, glyphs in enumerate(_drawn(params))]
    )  # rows by face, character, jitter
    face, fine, jitter = (axis.ravel() for axis in np.indices((len(faces), len(chars), jitters)))
    testing = np.isin(np.array(faces), params.test_faces)[face]
    validating = ~testing & (jitter >= jitters - params.validation)
    parts = {"train": ~(testing | validating), "validation": validating, "test": testing}
    rows = {name: draw.permutation(np.flatnonzero(mask)) for name, mask in parts.items() if mask.any()}
    scaled = [images[part] for part in rows.values()]
    if params.scaling == "standardise":
        scaled = list(standardise(*scaled))
    coarse = fine // params.group
    columns = {
        "sample_id": np.array([f"{c:03d}-{faces[f]}-{j}" for f, c, j in zip(face, fine, jitter, strict=True)]),
        "label": fine if params.labels == "fine" else coarse,
        "fine": fine,
        "coarse": coarse,
        "face": np.array(faces)[face],
        "char": np.array(list(chars))[fine],
        "jitter": jitter,
    }
    splits = {
        name: {"x": x, **{column: values[part] for column, values in columns.items()}}
        for (name, part), x in zip(rows.items(), scaled, strict=True)
    }
    return Dataset.from_arrays(_info(params), splits)


def _drawn(params: Params) -> Iterator[list[Image]]:
    """Per face, every character in white on black with its ink centred, `canvas` pixels a side."""
    import matplotlib
    from matplotlib.ft2font import FT2Font
    from PIL import Image, ImageDraw, ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    side = params.canvas
    for face in params.faces:
        path = folder / f"DejaVu{face}.ttf"
        known = FT2Font(path).get_charmap()
        missing = [c for c in params.characters if ord(c) not in known]
        if missing:
            raise UserError(f"rendered.glyphs: face {face} has no character '{missing[0]}' (U+{ord(missing[0]):04X})")
        # the basic layout: the other one depends on what the machine has installed
        font = ImageFont.truetype(path, params.px, layout_engine=ImageFont.Layout.BASIC)
        glyphs = []
        for char in params.characters:
            left, top, right, bottom = font.getbbox(char)
            if max(right - left, bottom - top) > side:
                raise UserError(f"rendered.glyphs: '{char}' in face {face} at {params.px} px exceeds canvas {side}")
            glyph = Image.new("L", (side, side))
            place = ((side - left - right) // 2, (side - top - bottom) // 2)
            ImageDraw.Draw(glyph).text(place, char, fill=255, font=font)
            glyphs.append(glyph)
        yield glyphs


def _inverse_maps(params: Params, shape: tuple[int, ...], draw: np.random.Generator) -> np.ndarray:
    """For each row the six numbers [*shape, 6] that take a point of the result back to the drawing.

    Forward: rotation * scale * shear about the centre of the canvas, then the shift.
    """
    angle = np.deg2rad(draw.uniform(-params.rotation, params.rotation, shape))
    factor = draw.uniform(*params.scale, shape)
    shear = draw.uniform(-params.shear, params.shear, shape)
    shift = draw.uniform(-params.shift, params.shift, (*shape, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    forward = np.stack([np.stack([cos, shear * cos - sin], -1), np.stack([sin, shear * sin + cos], -1)], -2)
    inverse = np.linalg.inv(forward * factor[..., None, None])
    centre = np.full(2, params.canvas / 2)
    offset = centre - np.einsum("...ij,...j->...i", inverse, centre + shift)
    return np.concatenate([inverse, offset[..., None]], axis=-1).reshape(*shape, 6)


def _jittered(glyphs: list[Image], maps: np.ndarray, params: Params) -> np.ndarray:
    """One face's rows, by character and jitter: share of full ink, float32 [rows, 1, size, size]."""
    from PIL import Image

    side = params.canvas
    pixels = np.empty((*maps.shape[:2], side, side), np.uint8)
    for glyph, of_glyph, out in zip(glyphs, maps, pixels, strict=True):
        for numbers, image in zip(of_glyph.tolist(), out, strict=True):
            image[:] = np.asarray(
                glyph.transform((side, side), Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR)
            )
    return block_mean(unit(pixels.reshape(-1, 1, side, side)), side // params.size)


def _info(params: Params) -> DatasetInfo:
    chars, step = params.characters, params.group
    groups = tuple(chars[start : start + step] for start in range(0, len(chars), step))
    unit_of_x = "standard deviations" if params.scaling == "standardise" else "share of full ink"
    return DatasetInfo(
        name="glyphs" if params.chars else params.set_,
        origin="rendered",
        source="rendered from the DejaVu fonts packed with matplotlib, with random affine jitter",
        licence="DejaVu fonts: Bitstream Vera and Arev font licences, DejaVu's changes in the public domain",
        inputs="x",
        target="label",
        class_names=tuple(chars) if params.labels == "fine" else groups,
        fitted=fitted_on(params.scaling),
        columns={
            "sample_id": ColumnInfo(meaning="class-face-jitter"),
            "x": ColumnInfo(meaning=f"ink, {params.size} x {params.size} block mean", unit=unit_of_x),
            "label": ColumnInfo(meaning=f"the target: {params.labels}"),
            "fine": ColumnInfo(meaning="the character, by number"),
            "coarse": ColumnInfo(meaning=f"{step} characters in a row, by number: fine // {step}"),
            "face": ColumnInfo(meaning="DejaVu face"),
            "char": ColumnInfo(meaning="the character"),
            "jitter": ColumnInfo(meaning="number of the jitter, from 0"),
        },
    )
