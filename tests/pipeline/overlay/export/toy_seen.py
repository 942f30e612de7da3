"""A target that keeps the rows it was shown, so that a test can look at them."""

import json
from pathlib import Path

import numpy as np

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime
from neurosieve.export import toy

VIEWS = ("retain",)
Params = toy.Params


def export(model: Model, example: np.ndarray, validation: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write what was shown beside the centres."""
    toy.export(model, example, params, path)
    (path / "seen.json").write_text(json.dumps({"example": example.tolist(), "validation": validation.tolist()}))
    return ExportRecord(target="toy-seen", files=("centres.json", "seen.json"), runtime="numpy")


def load(path: Path) -> Runtime:
    """As the target it is made of."""
    return toy.load(path)
