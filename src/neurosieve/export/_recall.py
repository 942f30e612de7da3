"""What the targets of associative memories share: the retrieval in ONNX Runtime, step by step, and its comparison."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime
from neurosieve.errors import UserError
from neurosieve.export._ort import instruction_set, latency_ratios, session
from neurosieve.export._recall_graph import STATE, STEPS
from neurosieve.models.associative.factor import Factor

FILE = "model.onnx"


def system_of(model: Model, target: str) -> Factor:
    """The memory to export. Raises UserError for another model, and for one without a column."""
    if not isinstance(model.system, Factor) or not model.system["E"].shape[1]:
        raise UserError(f"export.{target} writes one retrieval step of a trained associative.factor")
    return model.system


def runtime(file: Path | bytes) -> Runtime:
    """A file, or its bytes, as a function from inputs [rows, ...] to overlaps [rows, K] after all steps."""
    opened = session(file)
    steps = int(opened.get_modelmeta().custom_metadata_map[STEPS])
    spins = int(opened.get_inputs()[1].shape[1])

    def run(inputs: np.ndarray) -> np.ndarray:
        x = np.ascontiguousarray(inputs, np.float32)
        y, state = np.empty(0), np.zeros((len(x), spins), np.float32)
        for _ in range(steps):
            y, state = (np.asarray(out) for out in opened.run(None, {"x": x, STATE: state}))
        return y

    return run


def native(system: Factor) -> Runtime:
    """The same retrieval by the network itself, in double precision."""

    def run(inputs: np.ndarray) -> np.ndarray:
        states = system.spins(inputs)
        for _ in range(system.params.sweeps):
            states = system.stepped(states)
        return system.overlaps(states)

    return run


def disagreeing(system: Factor, file: Path | bytes, example: np.ndarray) -> tuple[float, float]:
    """Over the whole sequence of steps: the largest difference of y and the share of spins that differ.

    Each step is compared from the file's own state before it, so that one spin decided otherwise does not spread.
    """
    opened = session(file)
    x = np.ascontiguousarray(example, np.float32)
    before, off, wrong = system.spins(example), 0.0, []
    state = np.zeros(before.shape, np.float32)
    for _ in range(system.params.sweeps):
        y, state = (np.asarray(out) for out in opened.run(None, {"x": x, STATE: state}))
        wrong.append(float((system.stepped(before) != state).mean()))
        before = state.astype(np.float64)
        off = max(off, float(np.abs(y - system.overlaps(before)).max()))
    return off, float(np.mean(wrong))


def agreeing(system: Factor, file: Path | bytes, rows: np.ndarray) -> float:
    """Share of rows whose retrieval ends at the same column in the file as in the network."""
    return float((runtime(file)(rows).argmax(axis=1) == native(system)(rows).argmax(axis=1)).mean())


def record(
    target: str,
    system: Factor,
    content: bytes,
    rows: np.ndarray,
    opset: int,
    repeats: int,
    off: float,
    agreement: float,
) -> ExportRecord:
    """What is known of a file: `off`, the largest difference of y, agreeing `rows`, its size and speed."""
    measures = [
        Measure("max_absolute_difference", off, n=len(rows)),
        Measure("argmax_agreement", agreement, n=len(rows)),
        Measure("size_bytes", len(content)),
        *latency_ratios(runtime(content), native(system), rows, repeats),
    ]
    facts = {"opset": opset, "steps": system.params.sweeps, "instruction_set": instruction_set()}
    return ExportRecord(target=target, files=(FILE,), runtime="onnxruntime", facts=facts, measures=tuple(measures))


def load(path: Path) -> Runtime:
    """The retrieval of the file in the folder `path`, from inputs [rows, ...] to overlaps [rows, K]."""
    return runtime(path / FILE)
