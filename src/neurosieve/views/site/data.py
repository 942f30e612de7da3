"""The datasets of a study: cards, samples, and which rows each setting forgets."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from neurosieve.artifacts.dataset import DatasetInfo, Split, read_dataset
from neurosieve.errors import UserError
from neurosieve.plan.nodes import Cell
from neurosieve.report import state as page
from neurosieve.report.rows import parse_point
from neurosieve.views.site.reader import Reader

SAMPLES = 6
LARGEST = 64  # pixels: images larger than this are not drawn
MANY = 256  # datasets remembered while studies are gone through: nodes do not change, and studies share them


def setting_of(reader: Reader, variant: str) -> str:
    """Axes of a point that the whole study has, `setting=random`; a sweep's own axes are left out."""
    own = reader.plan.grid["variants"].get(parse_point(variant).variant, {}).get("axes", {})
    shared = _shared_axes(reader)
    return ",".join(f"{axis}={value}" for axis, value in parse_point(variant).axes if axis in shared and axis in own)


def _shared_axes(reader: Reader) -> set[str]:
    """Axes that every training has: those of the study, not of a sweep."""
    trainings = {cell.variant.split("@")[0] for cell in reader.cells() if _is_training(reader, cell)}
    axes = [set(reader.plan.grid["variants"].get(name, {}).get("axes", {})) for name in sorted(trainings)]
    return set.intersection(*axes) if axes else set()


def _is_training(reader: Reader, cell: Cell) -> bool:
    return reader.plan.nodes[cell.model].stage == "train"


def datasets(reader: Reader) -> tuple[page.Dataset, ...]:
    """One card per dataset as it is used: same name, shape and number of classes are one."""
    found: dict[tuple[str, tuple[int, ...], int], tuple[str, DatasetInfo]] = {}
    used: dict[tuple[str, tuple[int, ...], int], list[str]] = {}
    every: list[str] = []
    for cell in reader.cells():
        setting = setting_of(reader, cell.variant)
        key = reader.plan.nodes[cell.model].recipe["inputs"]["data"]
        folder = reader.directory(key)
        if setting not in every:
            every.append(setting)
        if folder is None:
            continue
        info = _info(folder)
        same = info.name, info.input_shape, len(info.class_names)
        found.setdefault(same, (key, info))
        if setting not in used.setdefault(same, []):
            used[same].append(setting)
    return tuple(
        _card(reader, key, info, () if len(used[same]) == len(every) else tuple(used[same]))
        for same, (key, info) in found.items()
    )


def _card(reader: Reader, key: str, info: DatasetInfo, settings: tuple[str, ...]) -> page.Dataset:
    names = ("name", "origin", "source", "licence", "counts", "class_names", "notes")
    files = reader.all_records[key]["files"]
    content = next((digest for name, digest in sorted(files.items()) if name.startswith("train")), "")
    return page.Dataset(
        **{name: getattr(info, name) for name in names},
        input_shape=info.input_shape,
        content=content or next((digest for _, digest in sorted(files.items())), ""),
        settings=settings,
        samples=_samples(folder) if (folder := reader.directory(key)) else None,
    )


@lru_cache(MANY)
def _info(folder: Path) -> DatasetInfo:
    return DatasetInfo.model_validate_json((folder / "dataset.json").read_text())


@lru_cache(MANY)
def _samples(folder: Path) -> page.Samples | None:
    """Some training rows as grey images, one class after the other; None where inputs are no images.

    Rows [height, width] are images where they have classes: without any they are sequences of several values.
    """
    try:
        dataset = read_dataset(folder)
    except UserError:
        return None
    split = dataset.splits.get("train")
    shape = dataset.info.input_shape
    if split is None or not _drawable(shape) or not (dataset.info.target or len(shape) == 3):
        return None
    labels = split.y if dataset.info.target else np.zeros(len(split), dtype=int)
    rows = _chosen(labels)
    names = dataset.info.class_names
    words = tuple(names[int(label)] for label in labels[rows]) if names else ()
    images = _grey(split, rows, shape)
    return page.Samples(images=tuple(tuple(tuple(row) for row in image) for image in images.tolist()), labels=words)


def _drawable(shape: tuple[int, ...]) -> bool:
    return len(shape) in (2, 3) and (len(shape) == 2 or shape[0] == 1) and max(shape) <= LARGEST


def _chosen(labels: np.ndarray) -> np.ndarray:
    """Rows spread over the classes: as many of each as make 40, classes evenly spaced where there are more."""
    values = np.unique(labels)
    if len(values) > SAMPLES:
        values = values[np.linspace(0, len(values) - 1, SAMPLES).round().astype(int)]
    each = max(1, SAMPLES // len(values))
    return np.concatenate([np.flatnonzero(labels == value)[:each] for value in values])[:SAMPLES]


def _grey(split: Split, rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Images [rows, height, width] from 0 (the lightest value) to 255."""
    images = split.x[rows].reshape(len(rows), *shape[-2:]).astype(float)
    low, high = images.min(), images.max()
    return np.rint(255 * (images - low) / max(high - low, 1e-12)).astype(int)


def forgotten(reader: Reader) -> dict[str, dict[int | None, str]]:
    """Rule of the rows forgotten by setting and seed, in the words of the study's file."""
    found: dict[str, dict[int | None, str]] = {}
    for cell in reader.cells():
        rule = _rule(reader, cell)
        if rule:
            found.setdefault(setting_of(reader, cell.variant), {}).setdefault(cell.seed, rule)
    return found


def _rule(reader: Reader, cell: Cell) -> str:
    """`label = 12`, `54 rows drawn at random`, `listed rows`; empty where the cell's chain forgets nothing."""
    for node in reader.plan.with_ancestors(cell.model):
        key = node.recipe.get("inputs", {}).get("selection")
        if key is None:
            continue
        params = reader.plan.nodes[key].recipe["params"]
        if "where" in params:
            return str(params["where"])
        drawn = next((value for name, value in params.items() if name in ("sample", "rows", "n", "count")), None)
        return f"{drawn} rows drawn at random" if drawn else "listed rows"
    return ""
