"""ONNX in single precision, run by ONNX Runtime on the CPU with one thread.

Exported in eval mode from a copy (the network handed in keeps its mode and buffers), with a free batch dimension,
input `x`. Every file is run at batches of 1, 2, 7 and 64 rows and compared with the network:
max_logit_difference is the largest absolute difference. size_bytes is the file's; latency_ratio (a timing, at
batch=1 and batch=64) is the median time of ONNX Runtime over that of the network in eager mode, one thread, taken
in turns in one process. ONNX is a dense format: it stores and multiplies pruned weights.
"""

from __future__ import annotations

import copy
import logging
import statistics
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime, module_runtime
from neurosieve.errors import UserError

if TYPE_CHECKING:
    import onnx
    from torch import nn

FILE = "model.onnx"
BATCHES = (1, 2, 7, 64)
DENSE = "a dense format: pruned weights are stored as zeros and multiplied, so the file is neither smaller nor faster"


class Params(BaseModel):
    """Version of the operator set and what counts as equal."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    opset: int = Field(20, ge=18, le=26)
    """ONNX operator set; the exporter gives no lower one than 18."""
    tolerance: float = Field(1e-4, gt=0)
    """Largest absolute difference between outputs that passes."""
    repeats: int = Field(30, ge=3)
    """Timed runs per batch size."""


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write `model.onnx` into the folder `path` and compare it with the network on `example` rows [n, ...].

    Raises UserError when the network cannot be exported with a free batch dimension, or parity fails.
    """
    module = copy.deepcopy(model.system).to("cpu").eval()
    file = path / FILE
    write(module, example, params.opset, file)
    runtime, native = load(path), module_runtime(module)
    rows = {batch: _rows(example, batch) for batch in BATCHES}
    difference = max(_difference(runtime, native, given) for given in rows.values())
    if not difference <= params.tolerance:
        raise UserError(
            f"export.onnx: outputs differ from the network's by {difference:.3g}, more than {params.tolerance:g};"
            " the file is not the same function"
        )
    measures = [
        Measure("max_logit_difference", difference, n=sum(BATCHES)),
        Measure("size_bytes", file.stat().st_size),
    ]
    for batch in (1, 64):
        ratio = _latency_ratio(runtime, native, rows[batch], params.repeats)
        measures.append(Measure("latency_ratio", ratio, at={"batch": batch}, timing=True))
    return ExportRecord(
        target="onnx",
        files=(FILE,),
        runtime="onnxruntime",
        facts=_facts(module, params.opset),
        measures=tuple(measures),
    )


def load(path: Path) -> Runtime:
    """The file in the folder `path` as a function from inputs [rows, ...] to outputs, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path / FILE), options, providers=["CPUExecutionProvider"])

    def run(inputs: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, {"x": np.ascontiguousarray(inputs)})[0])

    return run


def write(module: nn.Module, example: np.ndarray, opset: int, file: Path) -> None:
    """Export an eval-mode module with a free batch dimension. Raises UserError where that is impossible."""
    import torch

    _check_batches(module, example)
    inputs = torch.from_numpy(_rows(example, 2))
    logging.disable(logging.WARNING)  # the exporter reports every optional package that is not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (inputs,),
                dynamo=True,
                opset_version=opset,
                input_names=["x"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    except Exception as error:  # the exporter wraps whatever a user's module raises
        raise UserError(f"export.onnx: the network cannot be exported: {_reason(error)}") from None
    finally:
        logging.disable(logging.NOTSET)
    if program is None:
        raise UserError("export.onnx: the exporter returned nothing")
    file.write_bytes(_clean(program.model_proto, opset))


def _check_batches(module: nn.Module, example: np.ndarray) -> None:
    """Run the network at every batch size. Raises UserError naming the operation that forbids one."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Last(TorchDispatchMode):
        name = "no operation"

        def __torch_dispatch__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            self.name = str(func)
            return func(*args, **(kwargs or {}))

    for batch in BATCHES:
        last = Last()
        try:
            with torch.no_grad(), last:
                module(torch.from_numpy(_rows(example, batch)))
        except Exception as error:
            raise UserError(
                f"export.onnx: the network does not run at a batch of {batch}: {last.name} fails ({_reason(error)});"
                " let it accept any number of rows"
            ) from None


def _clean(proto: onnx.ModelProto, opset: int) -> bytes:
    """Bytes of the file without the exporter's notes (they hold paths of this machine).

    Raises UserError when the batch dimension is not free or the operator set is not the one asked for.
    """
    versions = {entry.domain: entry.version for entry in proto.opset_import}
    if versions[""] != opset:
        raise UserError(f"export.onnx: operator set {opset} asked for, the exporter gave {versions['']}")
    first = proto.graph.input[0].type.tensor_type.shape.dim[0]
    if not first.dim_param:
        raise UserError(
            f"export.onnx: an operation of the network fixes the batch to {first.dim_value} rows (a size turned into"
            " a number, or a branch on it); use sizes of the input tensor instead"
        )
    for owner in [
        proto,
        proto.graph,
        *proto.graph.node,
        *proto.graph.input,
        *proto.graph.output,
        *proto.graph.value_info,
        *proto.graph.initializer,
        *proto.functions,
    ]:
        del owner.metadata_props[:]
        owner.doc_string = ""
    return proto.SerializeToString(deterministic=True)


def _facts(module: nn.Module, opset: int) -> dict[str, str | int | float | bool | list[int]]:
    weights = list(module.parameters())
    total = sum(w.numel() for w in weights)
    zeros = total - sum(int(w.count_nonzero()) for w in weights)
    return {
        "opset": opset,
        "batches": list(BATCHES),
        "zeros": zeros / max(1, total),
        "storage": DENSE,
    }


def _rows(example: np.ndarray, batch: int) -> np.ndarray:
    """`batch` rows, repeating those of the example [n, ...] in turn."""
    return example[np.arange(batch) % len(example)]


def _difference(runtime: Runtime, native: Runtime, inputs: np.ndarray) -> float:
    """Largest absolute difference of outputs; nan where one is not finite."""
    return float(np.abs(runtime(inputs) - native(inputs)).max())


def _latency_ratio(runtime: Runtime, native: Runtime, inputs: np.ndarray, repeats: int) -> float:
    """Median CPU time of the runtime over that of the network, called in turns after a warm-up."""
    taken: tuple[list[int], list[int]] = ([], [])
    for run in (runtime, native) * 3:
        run(inputs)
    for _ in range(repeats):
        for run, times in zip((runtime, native), taken, strict=True):
            start = time.process_time_ns()
            run(inputs)
            times.append(time.process_time_ns() - start)
    return statistics.median(taken[0]) / max(1, statistics.median(taken[1]))


def _reason(error: BaseException) -> str:
    """First line of the innermost cause."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__
