"""A folder per class: ids are paths, classes in text order unless told otherwise (FC-A7)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from neurosieve.artifacts.dataset import Dataset
from neurosieve.datasets.own.image_folder import Params, prepare
from neurosieve.errors import UserError

ALL = {"splits": {"test": 0.3, "validation": 0}}


def draw(folder: Path, names: list[str], size: tuple[int, int] = (5, 4), mode: str = "RGB") -> str:
    """An image per name, of one colour: its number in the list."""
    for number, name in enumerate(names):
        path = folder / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new(mode, (size[1], size[0]), number if mode == "L" else (number, 2 * number, 0)).save(path)
    return str(folder / "photos")


def names(classes: list[str], each: int = 12) -> list[str]:
    return [f"{one}/p{n // 2}_{n}.png" for one in classes for n in range(each)]


def rows(made: Dataset) -> dict[str, np.ndarray]:
    return {name: x for split in made.splits.values() for name, x in zip(split.ids.tolist(), split.x, strict=True)}


def test_images_ids_classes(tmp_path: Path) -> None:
    wanted = names(["cat", "dog"])
    made = prepare(Params(folder=draw(tmp_path, wanted), **ALL))
    assert made.info.input_shape == (3, 5, 4)
    assert made.info.class_names == ("cat", "dog")
    found = rows(made)
    assert sorted(found) == sorted(wanted)
    assert np.allclose(found[wanted[20]][:, 0, 0], np.array([20, 40, 0]) / 255)
    labels = {name: y for split in made.splits.values() for name, y in zip(split.ids, split.y, strict=True)}
    assert all(label == name.startswith("dog") for name, label in labels.items())
    assert set(made.split("train")["class"].tolist()) == {"cat", "dog"}


@pytest.mark.parametrize(
    ("classes", "order"),
    [
        ("text", ["0", "1", "10", "11", *"23456789"]),
        ("numeric", [str(n) for n in range(12)]),
        ([str(n) for n in reversed(range(12))], [str(n) for n in reversed(range(12))]),
    ],
)
def test_twelve_numbered_folders(tmp_path: Path, classes: object, order: list[str]) -> None:
    made = prepare(Params(folder=draw(tmp_path, names([str(n) for n in range(12)], 4)), classes=classes, **ALL))
    assert list(made.info.class_names) == order
    train = made.split("train")
    assert [order[label] for label in train.y] == train["class"].tolist()


def test_grey_values_other_sizes_and_constants(tmp_path: Path) -> None:
    folder = draw(tmp_path, names(["a", "b"]), mode="L")
    steps = [{"resize": [2, 3]}, {"mean": 10, "std": 2}]
    made = prepare(Params(folder=folder, mode="L", preprocess=steps, **ALL))
    assert made.info.input_shape == (1, 2, 3)
    assert np.allclose(rows(made)["a/p2_4.png"], (4 - 10) / 2)
    plain = prepare(Params(folder=folder, mode="L", preprocess=[], **ALL))
    assert rows(plain)["a/p2_4.png"].max() == 4


def test_subjects_in_file_names(tmp_path: Path) -> None:
    made = prepare(Params(folder=draw(tmp_path, names(["a", "b"])), subject=r"/(p\d+)_", **ALL))
    assert made.info.subject == "subject"
    whose = [set(split["subject"].tolist()) for split in made.splits.values()]
    assert not whose[0] & whose[1]
    with pytest.raises(UserError, match=r"subject: \(q\) is not found in a/p0_0.png \(24 of 24\)"):
        prepare(Params(folder=str(tmp_path / "photos"), subject="(q)", **ALL))
    for wrong in ("p", "(p"):
        with pytest.raises(ValidationError):
            Params(folder="photos", subject=wrong)


def test_splits_by_folder(tmp_path: Path) -> None:
    wanted = [f"{split}/{name}" for split in ("train", "val", "test") for name in names(["a", "b"], 2)]
    made = prepare(Params(folder=draw(tmp_path, wanted), splits="folders"))
    assert {name: len(split) for name, split in made.splits.items()} == {"train": 4, "validation": 4, "test": 4}
    assert made.info.class_names == ("a", "b")


def test_other_files_are_counted(tmp_path: Path) -> None:
    folder = draw(tmp_path, names(["a", "b"]))
    Path(folder, "a", "notes.txt").write_text("nothing")
    assert "1 files beside the images were not read" in prepare(Params(folder=folder, **ALL)).info.notes


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    folder = draw(tmp_path, names(["a", "b"], 3))
    with pytest.raises(UserError, match="no row of 6 was drawn for"):
        prepare(Params(folder=folder, splits={"test": 0.01, "validation": 0}))
    with pytest.raises(UserError, match="a folder has no column 'part'"):
        prepare(Params(folder=folder, splits="part"))
    Path(folder, "a", "z.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"own.image_folder: photos: a/z.png cannot be read as an image"):
        prepare(Params(folder=folder, **ALL))
    Image.new("I;16", (4, 5), 40_000).save(Path(folder, "a", "z.png"))
    with pytest.raises(UserError, match=r"a/z.png cannot be read .* more than 8 bits and would be cut; use own.npz"):
        prepare(Params(folder=folder, **ALL))
    Image.new("RGB", (9, 9)).save(Path(folder, "a", "z.png"))
    with pytest.raises(UserError, match=r"a/p0_0.png is 5x4 pixels and a/z.png 9x9: add {resize: "):
        prepare(Params(folder=folder, **ALL))
    Image.new("RGB", (9, 9)).save(Path(folder, "z.png"))
    with pytest.raises(UserError, match=r"z.png does not lie in a class's folder; the tree is class/image"):
        prepare(Params(folder=folder, **ALL))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no image .* among 0 files"):
        prepare(Params(folder=str(tmp_path / "empty"), **ALL))
