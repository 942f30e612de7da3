"""A target whose runtime is not installed anywhere."""

from pathlib import Path

import numpy as np

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime
from neurosieve.export import toy

NEEDS = ("numpy", "no_such_runtime")
Params = toy.Params


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """As the target that needs nothing."""
    return toy.export(model, example, params, path)


def load(path: Path) -> Runtime:
    """As the target it is made of."""
    return toy.load(path)
