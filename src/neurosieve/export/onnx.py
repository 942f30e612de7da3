"""ONNX in single precision, run by ONNX Runtime on the CPU with one thread.

Exported in eval mode from a copy (the network handed in keeps its mode and buffers), with a free batch dimension,
input `x`. Every file is run at batches of 1, 2, 7 and 64 rows and compared with the network:
max_logit_difference is the largest absolute difference. size_bytes is the file's; nonzeros counts the numbers in it
that are not 0 (BatchNorm is folded into the convolutions); latency_ratio (a timing, at batch=1 and batch=64) is the
median time of ONNX Runtime over that of the network in eager mode, one thread, taken in turns in one process. ONNX is
a dense format: it stores and multiplies pruned weights.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime, module_runtime
from neurosieve.errors import UserError
from neurosieve.export._graph import BATCHES, count_nonzeros, rows, weights, written
from neurosieve.export._ort import instruction_set, largest_difference, latency_ratios, runtime

if TYPE_CHECKING:
    from torch import nn

VIEWS = ("retain",)
NEEDS = ("onnx", "onnxruntime", "onnxscript")
FILE = "model.onnx"
ROUNDING = 1e-6
"""Of outputs: a few units in the last place of single precision; numbers to be predicted may be in the thousands."""
DENSE = "a dense format: pruned weights are stored as zeros and multiplied, so the file is neither smaller nor faster"


class Params(BaseModel):
    """Version of the operator set and what counts as equal."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    opset: int = Field(20, ge=18, le=26)
    """ONNX operator set; the exporter gives no lower one than 18."""
    tolerance: float = Field(1e-4, gt=0)
    """Largest absolute difference between outputs that passes; of large outputs what rounding leaves (`ROUNDING`)."""
    repeats: int = Field(30, ge=3)
    """Timed runs per batch size."""


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write `model.onnx` into the folder `path` and compare it with the network on `example` rows [n, ...].

    Where the study forgets, those are retained rows: a file that is shipped was not even tried on the others.

    Raises UserError when the network cannot be exported with a free batch dimension, or parity fails.
    """
    import onnx

    module = copy.deepcopy(model.system).to("cpu").eval()
    content = written(module, example, params.opset)
    (path / FILE).write_bytes(content)
    target, native = load(path), module_runtime(module)
    difference = largest_difference(target, native, example, BATCHES)
    allowed = max(params.tolerance, ROUNDING * float(np.abs(native(rows(example, BATCHES[-1]))).max()))
    if not difference <= allowed:
        raise UserError(
            f"export.onnx: outputs differ from the network's by {difference:.3g}, more than {allowed:.3g};"
            " the file is not the same function"
        )
    measures = [
        Measure("max_logit_difference", difference, n=sum(BATCHES)),
        Measure("size_bytes", len(content)),
        Measure("nonzeros", count_nonzeros(weights(onnx.load_from_string(content)))),
        *latency_ratios(target, native, example, params.repeats),
    ]
    return ExportRecord(
        target="onnx",
        files=(FILE,),
        runtime="onnxruntime",
        facts=_facts(module, params.opset),
        measures=tuple(measures),
    )


def load(path: Path) -> Runtime:
    """The file in the folder `path` as a function from inputs [rows, ...] to outputs, on one thread."""
    return runtime(path / FILE)


def _facts(module: nn.Module, opset: int) -> dict[str, str | int | float | bool | list[int]]:
    parameters = list(module.parameters())
    total = sum(p.numel() for p in parameters)
    zeros = total - sum(int(p.count_nonzero()) for p in parameters)
    return {
        "opset": opset,
        "batches": list(BATCHES),
        "zeros": zeros / max(1, total),
        "instruction_set": instruction_set(),
        "storage": DENSE,
    }
