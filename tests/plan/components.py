"""Every component of the package, and the parameters to try each with in a second."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
from PIL import Image
from pydantic import BaseModel

from neurosieve.artifacts.raw import raw_fields
from neurosieve.artifacts.tags import tag
from neurosieve.jobs.load import Verb, verb
from neurosieve.plan.components import VERBS, available
from neurosieve.plan.fingerprint import Source

SOURCE = Source()
FOUND = {package: available(SOURCE, package) for package in VERBS}
ALL = [(package, use) for package, uses in FOUND.items() for use in uses]
KEY = bytes(range(32))
"""A controller's key."""
SMALL: dict[str, dict[str, Any]] = {
    "datasets.images.mnist5k": {"train": 3, "validation": 2, "test": 2},
    "datasets.images.digits8": {"train": 3, "validation": 2, "test": 2},
    "datasets.corruption.interclass": {"rows": 4, "classes": [0, 2]},
    "datasets.neural.counts": {"file": "counts.npz"},
    "datasets.own.arrow": {"file": "own.parquet", "target": "kind", "id": "id"},
    "datasets.own.csv": {"file": "own.csv", "target": "kind", "id": "id"},
    "datasets.own.image_folder": {"folder": "own"},
    "datasets.own.npz": {"file": "own.npz", "inputs": ["x"], "target": "kind", "id": "id"},
    "datasets.patterns.binary": {"file": "patterns.npz", "test": 2},
    "datasets.rendered.glyphs": {"chars": "AB", "jitters": 1, "faces": ["Sans", "Serif"], "test_faces": ["Serif"]},
    "datasets.tabular.iv_sim": {"size": 40, "studies": 2},
    "datasets.tabular.k401": {"families": 200},
    "datasets.tabular.table": {"file": "table.csv"},
    "datasets.selection.identified": {"identified": 0.5},
    "datasets.selection.ids": {"tags": [tag(KEY, "train0001"), tag(KEY, "train0004")]},
    "datasets.selection.sample": {"sample": 5},
    "datasets.selection.where": {"where": "label = 1"},
    "interventions.unlearning.unsir": {"images": 4, "noise_steps": 2, "copies": 2, "per_class": 4},
    "interventions.unlearning.ssd": {"alpha": 1.0, "lambda": 0.5},
    "interventions.pruning.magnitude": {"sparsity": 0.5},
    "models.own.module": {"factory": "tests.nets:linear"},
    "models.vision.wide_resnet": {"depth": 10, "widen": 1},
    "models.sharded.ensemble": {"member": "vision.resnet9", "params": {"width": 1}, "count": 2},
    "training.given.weights": {"file": "weights.safetensors"},
    "export.onnx": {"repeats": 3},
}
"""Parameters to try a component with; elsewhere the defaults, with `CHEAP` where the component has such a field."""
CHEAP: dict[str, Any] = {"epochs": 1, "batch": 8, "rows": 8}
MANIPULATED = {"selection.identified", "correction"}
"""Components that need a dataset whose rows were manipulated."""
WITH = {"interventions.unlearning.ssd": ["analysis.importance"]}
"""Analyses whose models a component is given as companions."""


def module_of(package: str, use: str) -> ModuleType:
    return importlib.import_module(f"neurosieve.{package}.{use}")


def tree_of(module: ModuleType) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text())


def small(package: str, use: str) -> dict[str, Any]:
    cls: type[BaseModel] = module_of(package, use).Params
    names = [info.alias or name for name, info in cls.model_fields.items()]
    cheap = {name: value for name, value in CHEAP.items() if name in names}
    return {**cheap, **SMALL.get(f"{package}.{use}", {})}


def made(package: str, use: str) -> Verb:
    return verb(f"{package}.{use}", VERBS[package], small(package, use))


def needs_files(package: str, use: str) -> bool:
    """Whether a component reads raw files that SMALL does not name."""
    return not set(raw_fields(module_of(package, use).Params)) <= set(small(package, use))


def write_own(folder: Path) -> None:
    """Data as a user brings them, forty rows in each of the four forms."""
    table = pl.DataFrame(
        {"id": [f"{n:03d}" for n in range(40)], "kind": ["a", "b"] * 20, "x": [n / 7 for n in range(40)]}
    )
    table.write_csv(folder / "own.csv")
    table.write_parquet(folder / "own.parquet")
    np.savez(
        folder / "own.npz",
        **{name: table[name].to_numpy().astype(str if name != "x" else float) for name in table.columns},
    )
    for name, kind, _ in table.iter_rows():
        (folder / "own" / kind).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), int(name)).save(folder / "own" / kind / f"{name}.png")
