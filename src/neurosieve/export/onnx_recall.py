"""One retrieval step of a dense Hebbian network in ONNX, single precision, state carried from step to step.

ONNX Runtime runs the whole retrieval on one thread; every step is compared with the network's from the same state:
max_absolute_difference is the largest difference of the overlaps y. A spin whose field is 0 up to rounding may be
decided otherwise: argmax_agreement is the share of rows whose retrieval ends at the same column. size_bytes is the
file's, latency_ratio (a timing) the time of a retrieval over that of the network's own kernel.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.export import _recall
from neurosieve.export._recall import load
from neurosieve.export._recall_graph import graph

__all__ = ["Params", "export", "load"]
NEEDS = ("onnx", "onnxruntime")


class Params(BaseModel):
    """Version of the operator set and what counts as equal."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    opset: int = Field(20, ge=20, le=26)
    """ONNX operator set."""
    tolerance: float = Field(1e-4, gt=0)
    """Largest difference of an overlap, and share of spins decided otherwise, that pass."""
    repeats: int = Field(10, ge=3)
    """Timed runs per batch size."""


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write `model.onnx` into the folder `path` and compare it with the network on `example` rows [n, ...].

    Raises UserError when parity fails, or the model is no trained memory.
    """
    system = _recall.system_of(model, "onnx_recall")
    content = graph(system, example.shape[1:], params.opset, eight_bits=False)
    (path / _recall.FILE).write_bytes(content)
    off, wrong = _recall.disagreeing(system, content, example)
    if not max(off, wrong) <= params.tolerance:
        raise UserError(
            f"export.onnx_recall: overlaps differ by {off:.3g} and {wrong:.3g} of the spins are decided otherwise, more"
            f" than {params.tolerance:g}; the file is not the same function"
        )
    agreement = _recall.agreeing(system, content, example)
    return _recall.record("onnx-recall", system, content, example, params.opset, params.repeats, off, agreement)
