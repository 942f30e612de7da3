"""A target that is a JSON file of centres, run by numpy."""

import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write the centres and compare predictions on the example."""
    (path / "centres.json").write_text(json.dumps(model.system.state["centres"].tolist()))
    same = float((load(path)(example).argmax(1) != model.system.predict(example)).sum())
    measures = (Measure("max_logit_difference", same), Measure("size_bytes", (path / "centres.json").stat().st_size))
    return ExportRecord(target="toy", files=("centres.json",), runtime="numpy", measures=measures)


def load(path: Path) -> Runtime:
    """Minus the squared distances to the centres [rows, classes]."""
    centres = np.array(json.loads((path / "centres.json").read_text()))
    return lambda x: -((x[:, None] - centres[None]) ** 2).sum(-1)
