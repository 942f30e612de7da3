"""ONNX files run by ONNX Runtime on the CPU with one thread: as a function, compared with another, and timed."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.view import Runtime
from neurosieve.export._graph import rows

if TYPE_CHECKING:
    import onnxruntime

TIMED = (1, 64)
"""Rows per batch at which latency is taken."""
CAPABILITIES = ("avx2", "avx512_f", "avx_vnni", "avx512_vnni", "amx_int8", "neon", "dot", "i8mm", "sve")
"""Instructions that decide how products, 8-bit ones above all, are summed."""


def session(model: Path | bytes, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    """A session over a file or its bytes; not optimised, every tensor of the graph keeps its name."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def runtime(model: Path | bytes) -> Runtime:
    """A file, or its bytes, as a function from inputs [rows, ...] to outputs."""
    opened = session(model)

    def run(inputs: np.ndarray) -> np.ndarray:
        return np.asarray(opened.run(None, {"x": np.ascontiguousarray(inputs)})[0])

    return run


def largest_difference(one: Runtime, other: Runtime, example: np.ndarray, batches: Iterable[int]) -> float:
    """Largest absolute difference of outputs over batches of rows of the example.

    nan where an output is not finite, inf where the outputs have different shapes.
    """
    found = []
    for batch in batches:
        mine, theirs = (run(rows(example, batch)) for run in (one, other))
        found.append(np.abs(mine - theirs).max() if mine.shape == theirs.shape else math.inf)
    return float(np.max(found))


def instruction_set() -> str:
    """What of this CPU decides how products are summed: `x86_64 avx2 avx512_vnni`."""
    import torch

    found = torch.cpu.get_capabilities()
    return " ".join([str(found.get("architecture", "unknown")), *(name for name in CAPABILITIES if found.get(name))])


def latency_ratios(target: Runtime, native: Runtime, example: np.ndarray, repeats: int) -> list[Measure]:
    """`latency_ratio` at batches of 1 and of 64 rows: median CPU time of the target over that of the network."""
    return [
        Measure(
            "latency_ratio",
            _latency_ratio(target, native, rows(example, batch), repeats),
            at={"batch": batch},
            timing=True,
        )
        for batch in TIMED
    ]


def _latency_ratio(target: Runtime, native: Runtime, inputs: np.ndarray, repeats: int) -> float:
    """Both are called in turns, after a warm-up."""
    taken: tuple[list[int], list[int]] = ([], [])
    for run in (target, native) * 3:
        run(inputs)
    for _ in range(repeats):
        for run, times in zip((target, native), taken, strict=True):
            start = time.process_time_ns()
            run(inputs)
            times.append(time.process_time_ns() - start)
    return statistics.median(taken[0]) / max(1, statistics.median(taken[1]))
