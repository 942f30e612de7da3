"""One step of a system that carries state, in ONNX: inputs `x, state.<name>`, outputs `y, state.<name>.next`.

For systems that offer `step_module()` (a torch module from `x [rows, ...], *state` to `y, *state`), `step_state()` (a
row's state at the start, by name, in the module's order), `step_inputs(example)` and `step_outputs(example)`: what each
step is given and what the system itself says, [time, rows, ...]. Single precision, free batch dimension, run by
ONNX Runtime on one thread over the whole sequence from the state that it carries itself: max_absolute_difference is the
largest difference of y from the system's own outputs, argmax_agreement the share of steps whose largest output is the
system's. size_bytes is the file's, nonzeros counts its weights that are not 0, step_seconds (a timing) is one step of
one row.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime
from neurosieve.errors import UserError
from neurosieve.export._graph import clean, count_nonzeros, weights
from neurosieve.export._ort import session

if TYPE_CHECKING:
    import onnx
    from torch import nn

NEEDS = ("onnx", "onnxruntime", "onnxscript")
FILE = "model.onnx"
METHODS = ("step_module", "step_state", "step_inputs", "step_outputs")


class Params(BaseModel):
    """Version of the operator set and what counts as equal."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    opset: int = Field(20, ge=18, le=26)
    """ONNX operator set; the exporter gives no lower one than 18."""
    tolerance: float = Field(1e-4, gt=0)
    """Largest absolute difference of an output, over whole sequences, that passes."""
    repeats: int = Field(200, ge=10)
    """Timed steps."""


class Stepped(Protocol):
    """A system that carries state from step to step."""

    def step_module(self) -> nn.Module:
        """From x [rows, ...] and the state's tensors to y and the state's tensors after the step."""
        ...

    def step_state(self) -> dict[str, np.ndarray]:
        """What one row's state begins with."""
        ...

    def step_inputs(self, example: np.ndarray) -> np.ndarray:
        """What each step is given [time, rows, ...]."""
        ...

    def step_outputs(self, example: np.ndarray) -> np.ndarray:
        """What the system says at each step [time, rows, ...]."""
        ...


def export(model: Model, example: np.ndarray, params: Params, path: Path) -> ExportRecord:
    """Write `model.onnx` into the folder `path` and run it over the sequences of `example` rows [n, ...].

    Raises UserError for a system that has no step, and where outputs differ by more than the tolerance.
    """
    system = stepped(model, "onnx_step")
    graph = written(system, example, params.opset)
    return recorded("onnx-step", system, graph, example, params, path)


def load(path: Path) -> Runtime:
    """The file in the folder `path` as a function from rows of sequences to the outputs of all steps [rows, time, ...].

    A row's sequence lies along its first axis.
    """
    content = (path / FILE).read_bytes()

    def run(inputs: np.ndarray) -> np.ndarray:
        return walked(content, np.moveaxis(np.asarray(inputs), 1, 0)).swapaxes(0, 1)

    return run


def stepped(model: Model, target: str) -> Stepped:
    """The model's system. Raises UserError where it has no step."""
    missing = [name for name in METHODS if not hasattr(model.system, name)]
    if missing:
        raise UserError(f"export.{target}: {model.component} has no {missing[0]}(), so no step can be written")
    return cast("Stepped", model.system)


def written(system: Stepped, example: np.ndarray, opset: int) -> onnx.ModelProto:
    """The step as a graph with a free batch dimension; what a state begins with stands in the metadata."""
    import onnx
    import torch
    from onnx import helper

    x, state = system.step_inputs(example[:2])[0], system.step_state()
    given = [torch.from_numpy(np.asarray(value, np.float32)) for value in (x, *begun(state, len(x)).values())]
    names = [f"state.{name}" for name in state]
    logging.disable(logging.WARNING)  # the exporter reports every optional package that is not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                system.step_module().eval(),
                tuple(given),
                dynamo=True,
                opset_version=opset,
                input_names=["x", *names],
                output_names=["y", *(f"{name}.next" for name in names)],
                dynamic_shapes=tuple({0: torch.export.Dim("batch")} for _ in given),
                verbose=False,
            )
    finally:
        logging.disable(logging.NOTSET)
    assert program is not None
    proto = onnx.load_from_string(clean(program.model_proto))
    helper.set_model_props(proto, {"state": json.dumps({name: np.asarray(v).tolist() for name, v in state.items()})})
    return proto


def recorded(
    target: str, system: Stepped, graph: onnx.ModelProto, example: np.ndarray, params: Params, path: Path
) -> ExportRecord:
    """Write the graph, run it over whole sequences, compare and time it."""
    content = graph.SerializeToString(deterministic=True)
    (path / FILE).write_bytes(content)
    expected, said = system.step_outputs(example), walked(content, system.step_inputs(example))
    off = float(np.abs(said - expected).max())
    if not off <= params.tolerance:
        raise UserError(
            f"export.{target.replace('-', '_')}: outputs differ from the system's by {off:.3g} somewhere along the"
            f" sequences, more than {params.tolerance:g}; the file is not the same function"
        )
    same = float((said.argmax(axis=-1) == expected.argmax(axis=-1)).mean())
    steps = int(np.prod(expected.shape[:-1]))
    measures = [
        Measure("max_absolute_difference", off, n=steps),
        Measure("argmax_agreement", same, n=steps),
        Measure("size_bytes", len(content)),
        Measure("nonzeros", count_nonzeros(weights(graph))),
        Measure("step_seconds", _seconds(content, system.step_inputs(example[:1])[0], params.repeats), timing=True),
    ]
    facts: dict[str, str | int | float | bool | list[int]] = {"opset": params.opset, "steps": len(expected)}
    return ExportRecord(target=target, files=(FILE,), runtime="onnxruntime", facts=facts, measures=tuple(measures))


def walked(content: bytes, inputs: np.ndarray) -> np.ndarray:
    """Outputs [time, rows, ...] of a file over inputs [time, rows, ...], from its own state."""
    opened, state = _opened(content, inputs.shape[1])
    outputs = []
    for x in inputs:
        y, state = _step(opened, x, state)
        outputs.append(y)
    return np.stack(outputs)


def begun(state: dict[str, np.ndarray], rows: int) -> dict[str, np.ndarray]:
    """The state of so many rows at the start, single precision."""
    return {name: np.repeat(np.asarray(value, np.float32)[None], rows, axis=0) for name, value in state.items()}


def _opened(content: bytes, rows: int) -> tuple[Any, dict[str, np.ndarray]]:
    opened = session(content)
    state = json.loads(opened.get_modelmeta().custom_metadata_map["state"])
    return opened, begun({f"state.{name}": value for name, value in state.items()}, rows)


def _step(opened: Any, x: np.ndarray, state: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    y, *after = opened.run(None, {"x": np.ascontiguousarray(x, np.float32), **state})
    return np.asarray(y), dict(zip(state, after, strict=True))


def _seconds(content: bytes, x: np.ndarray, repeats: int) -> float:
    """Median CPU seconds of one step of one row, after a warm-up."""
    opened, state = _opened(content, len(x))
    taken = []
    for _ in range(repeats + 10):
        start = time.process_time_ns()
        _, state = _step(opened, x, state)
        taken.append(time.process_time_ns() - start)
    return statistics.median(taken[10:]) / 1e9
