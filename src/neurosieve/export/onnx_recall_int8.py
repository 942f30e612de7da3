"""One retrieval step of a dense Hebbian network in ONNX with 8-bit couplings: a quarter of the memory they took.

E is rounded to whole multiples of one step per column; powers and products stay in single precision. The whole
retrieval is compared with the network's own: argmax_agreement is the share of rows that end at the same column,
max_absolute_difference the largest difference of the overlaps y along the steps, each from the same state.
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
    """Version of the operator set and how much may change."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    opset: int = Field(20, ge=20, le=26)
    """ONNX operator set."""
    agreement: float = Field(0.8, ge=0, le=1)
    """Smallest share of rows that must end at the same column."""
    repeats: int = Field(10, ge=3)
    """Timed runs per batch size."""


def export(
    model: Model, example: np.ndarray, params: Params, path: Path, validation: np.ndarray | None = None
) -> ExportRecord:
    """Write `model.onnx` into the folder `path` and compare it with the network on validation (or example) rows.

    Nothing is calibrated: a column's step is its largest entry. Raises UserError where too few rows agree.
    """
    system = _recall.system_of(model, "onnx_recall_int8")
    rows = example if validation is None else validation
    content = graph(system, rows.shape[1:], params.opset, eight_bits=True)
    (path / _recall.FILE).write_bytes(content)
    agreement = _recall.agreeing(system, content, rows)
    if agreement < params.agreement:
        raise UserError(
            f"export.onnx_recall_int8: {agreement:.0%} of the rows end where the network does, fewer than"
            f" {params.agreement:.0%}; 8 bits are too coarse for these couplings"
        )
    off, _ = _recall.disagreeing(system, content, rows)
    return _recall.record("onnx-recall-int8", system, content, rows, params.opset, params.repeats, off, agreement)
