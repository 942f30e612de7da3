"""The step of `export.onnx_step` with its weights as 8-bit integers: scaled per slice, computed in single precision.

Every stored tensor of two axes and more becomes signed integers with one scale per slice of its first axis (the largest
absolute value is 127) and is scaled back where it is read; state and vectors stay as they are. Compared over whole
sequences from the state that it carries itself. `nonzeros` counts the integers that are not 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime
from neurosieve.export import onnx_step

if TYPE_CHECKING:
    import onnx

NEEDS = ("onnx", "onnxruntime", "onnxscript")


class Params(onnx_step.Params):
    """What `export.onnx_step` takes; rounded weights are allowed to say something else."""

    tolerance: float = Field(1.0, gt=0)
    """Largest absolute difference of an output, over whole sequences, that passes."""


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write `model.onnx` into the folder `path` and run it over the sequences of `example` rows [n, ...].

    Raises UserError as `onnx_step` does.
    """
    system = onnx_step.stepped(model, "onnx_step_int8")
    graph = quantised(onnx_step.written(system, example, params.opset))
    return onnx_step.recorded("onnx-step-int8", system, graph, example, params, path)


def load(path: Path) -> Runtime:
    """The file in the folder `path` as a function, see `onnx_step.load`."""
    return onnx_step.load(path)


def quantised(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose single-precision tensors of two axes and more are stored as 8-bit integers with scales."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    made = onnx.ModelProto()
    made.CopyFrom(graph)
    kept, nodes = [], []
    for tensor in made.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2:
            kept.append(tensor)
            continue
        whole, scale = rounded(numpy_helper.to_array(tensor))
        parts = [f"{tensor.name}.int8", f"{tensor.name}.scale"]
        kept += [numpy_helper.from_array(value, name) for value, name in zip((whole, scale), parts, strict=True)]
        nodes.append(helper.make_node("DequantizeLinear", parts, [tensor.name], axis=0))
    later = list(made.graph.node)
    del made.graph.initializer[:], made.graph.node[:]
    made.graph.initializer.extend(kept)
    made.graph.node.extend([*nodes, *later])
    return made


def rounded(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers of the weight's shape, and their scales [first axis]."""
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    scale = np.where(largest > 0, largest, 1).astype(np.float32) / np.float32(127)
    spread = scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.rint(weight / spread).astype(np.int8), scale
