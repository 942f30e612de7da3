"""A graph in single precision turned into one of 8-bit integers by static calibration, and compared with it.

Activations become unsigned 8-bit integers, one scale per tensor; weights signed ones, one scale per output channel;
operators work on integers (QLinearConv, QGemm, ...). Calibration runs the graph over slices of rows twice: once for
the limits of every tensor, once for histograms within them, so that memory does not grow with the rows and neither
their order nor repeated rows matter.
"""

from __future__ import annotations

import logging
import math
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosieve.errors import UserError
from neurosieve.export._graph import clean, weights
from neurosieve.export._ort import session
from neurosieve.kernels.calibrate import entropy_limit, histogram, percentile_range

if TYPE_CHECKING:
    import onnx

CALIBRATORS = ("minmax", "entropy", "percentile")
SLICE = 32
"""Rows that are run at once; their activations are all that is in memory."""
BINS = 2048
"""Bins of each histogram."""
HELD_OUT = 4
"""One row in so many is not calibrated on but compared on."""
SETTLED = 6.0
"""exp(-6) = 0.25 %: so close to its lower limit counts as having reached it."""
SQUASHING = ("Relu", "Clip", "Celu", "Elu")
"""Operations that make values beyond a limit equal, exactly or nearly."""
Ranges = Mapping[str, tuple[float, float]]


@dataclass
class Spread:
    """How the values of one activation spread: smallest, largest, and counts over [-limit, limit]."""

    low: float = math.inf
    high: float = -math.inf
    counts: np.ndarray | None = None

    @property
    def limit(self) -> float:
        return max(abs(self.low), abs(self.high))


def divided(example: np.ndarray, validation: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rows to calibrate on and other rows to compare on: validation rows [m, ...], else some of the example [n, ...].

    Of the example a row's own bytes decide, so that equal rows stay on one side; of few rows one distinct row is held
    out. Where all rows are the same, both are the same array.
    """
    if validation is not None and len(validation):
        return example, validation
    marks = np.array([zlib.crc32(np.ascontiguousarray(row).tobytes()) for row in example])
    held = marks % HELD_OUT == 0
    if held.all() or not held.any():
        held = marks == marks.min()
    return (example, example) if held.all() else (example[~held], example[held])


def prepared(content: bytes) -> onnx.ModelProto:
    """The graph with shapes inferred, constants folded and normalisations folded into convolutions.

    Symbolic inference of shapes knows not every operation: where it fails, ONNX's own does. Raises UserError where
    that fails too.
    """
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "given.onnx"), Path(folder, "prepared.onnx")
        given.write_bytes(content)
        try:
            quant_pre_process(given, result)
        except Exception:  # whatever an operation that it does not know leads to
            try:
                quant_pre_process(given, result, skip_symbolic_shape=True)
            except Exception as error:
                raise UserError(f"onnx-int8: the shapes in the network cannot be inferred: {error}") from None
        return onnx.load(result)


def activations(graph: onnx.ModelProto) -> list[str]:
    """Names of the graph's single-precision tensors that depend on a row, in the order they are computed."""
    from onnx import TensorProto

    known = [*graph.graph.input, *graph.graph.value_info, *graph.graph.output]
    floats = {value.name for value in known if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    made = [output for node in graph.graph.node for output in node.output]
    return [name for name in [graph.graph.input[0].name, *made] if name in floats]


def spreads(graph: onnx.ModelProto, rows: np.ndarray) -> dict[str, Spread]:
    """The spread of every activation over rows [n, ...]. Raises UserError where a value is not finite."""
    found = {name: Spread() for name in activations(graph)}
    for values in _slices(graph, list(found), rows):
        for name, value in values.items():
            if not np.isfinite(value).all():
                raise UserError(f"onnx-int8: tensor '{name}' of the network is not finite: it diverged in training")
            one = found[name]
            one.low, one.high = min(one.low, float(value.min())), max(one.high, float(value.max()))
    for values in _slices(graph, list(found), rows):
        for name, value in values.items():
            one = found[name]
            counts = histogram(value, one.limit, BINS)
            one.counts = counts if one.counts is None else one.counts + counts
    return found


def ranges(graph: onnx.ModelProto, found: Mapping[str, Spread], calibrator: str, percentile: float) -> Ranges:
    """The range of every activation under a calibrator, never wider than what was seen."""
    floors = _floors(graph)
    chosen = {}
    for name, spread in found.items():
        low, high = spread.low, spread.high
        if calibrator == "entropy" and spread.counts is not None:
            high = entropy_limit(spread.counts, spread.limit)
            low = -high
        elif calibrator == "percentile" and spread.counts is not None:
            low, high = percentile_range(spread.counts, spread.limit, percentile)
        high = min(high, spread.high)
        chosen[name] = (min(max(low, spread.low, floors.get(name, low)), high), high)
    return chosen


def quantised(graph: onnx.ModelProto, chosen: Ranges, reduce_range: bool) -> onnx.ModelProto:
    """The graph on integers. `reduce_range` takes 7 bits for weights. Raises UserError where nothing can be turned."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.calibrate import TensorData, TensorsData, save_tensors_data
    from onnxruntime.quantization.registry import QLinearOpsRegistry

    data: dict[str, TensorData | tuple[np.ndarray, ...]] = {
        name: tuple(np.array(end, np.float32) for end in pair) for name, pair in chosen.items()
    }
    logging.disable(logging.WARNING)  # it advises to do what `prepared` did
    try:
        with tempfile.TemporaryDirectory() as folder:
            given, scales, result = (Path(folder, name) for name in ("given.onnx", "ranges.json", "result.onnx"))
            onnx.save(graph, given)
            save_tensors_data(TensorsData(CalibrationMethod.MinMax, data), scales)
            quantize_static(
                given, result, None, calibration_cache_path=scales, quant_format=QuantFormat.QOperator,
                op_types_to_quantize=sorted(QLinearOpsRegistry), per_channel=True, reduce_range=reduce_range,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )  # fmt: skip
            made = onnx.load(result)
    finally:
        logging.disable(logging.NOTSET)
    if not any(node.op_type.startswith("Q") and node.op_type != "QuantizeLinear" for node in made.graph.node):
        raise UserError("onnx-int8: the network has no operation that works on integers (no convolution, no matrix)")
    return onnx.load_from_string(clean(made))


def steps(graph: onnx.ModelProto, made: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The weights of `graph` as `made` stores them, by name: integers minus zero point, 0 where dequantised 0.

    What stayed in single precision is given as it is. Raises UserError where more elements are not 0 than before.
    """
    from onnx import numpy_helper

    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in made.graph.initializer}
    found = {}
    for name, value in weights(graph).items():
        integers = stored.get(f"{name}_quantized")
        if integers is None:
            found[name] = stored.get(name, value)
            continue
        zero = stored.get(f"{name}_zero_point", np.zeros(1, np.int64)).astype(np.int64)
        found[name] = integers.astype(np.int64) - zero.flat[0]  # symmetric: every channel has the same
        if np.count_nonzero(found[name]) > np.count_nonzero(value):
            raise UserError(f"onnx-int8: pruned elements of '{name}' are no longer 0 as integers")
    return found


def first_divergence(graph: onnx.ModelProto, made: onnx.ModelProto, rows: np.ndarray, tolerance: float) -> str:
    """The first layer whose activation differs by more than `tolerance` standard deviations (root mean square).

    Values that are not finite differ most; of a constant activation the deviation is its size. Where none differs so
    much, the layer of the largest difference. In words: `features.3.0 (Conv, 1.7 deviations off)`.
    """
    pairs = _counterparts(graph, made)
    names = list(pairs)
    error, total, squares, count = (dict.fromkeys(names, 0.0) for _ in range(4))
    for real, integer in zip(_slices(graph, names, rows), _slices(made, list(pairs.values()), rows), strict=True):
        for name in names:
            value, other = real[name].astype(np.float64), _restored(made, pairs[name], integer[pairs[name]])
            error[name] += float(((value - other) ** 2).sum())
            total[name] += float(value.sum())
            squares[name] += float((value**2).sum())
            count[name] += value.size
    off = {}
    for name in names:
        size = squares[name] / count[name]
        variance = size - (total[name] / count[name]) ** 2
        scale, differs = (variance if variance > 1e-6 * size else size), error[name] / count[name]
        off[name] = math.sqrt(differs / scale) if scale > 0 else (math.inf if differs else 0.0)
        off[name] = off[name] if math.isfinite(off[name]) else math.inf
    beyond = [name for name in names if off[name] > tolerance]
    name = beyond[0] if beyond else max(names, key=off.__getitem__)
    layer, operation = _layer(graph, name)
    return f"{layer} ({operation}, {off[name]:.2g} deviations off)"


def _floors(graph: onnx.ModelProto) -> dict[str, float]:
    """Values below which a tensor that only a CELU or an ELU reads makes no difference: no level is spent on them."""
    floors = {}
    for node in _lone_readers(graph, ("Celu", "Elu")):
        alpha = next((one.f for one in node.attribute if one.name == "alpha"), 1.0)
        floors[node.input[0]] = -SETTLED * (alpha if node.op_type == "Celu" else 1.0)
    return floors


def _layer(graph: onnx.ModelProto, tensor: str) -> tuple[str, str]:
    """The last layer with weights up to the tensor, and the operation that makes it."""
    stored, layer = {one.name for one in graph.graph.initializer}, "the input"
    for node in graph.graph.node if tensor != graph.graph.input[0].name else ():
        own = [name for name in node.input if name in stored and name.endswith(".weight")]
        layer = own[0].removesuffix(".weight") if own else layer
        if tensor in node.output:
            return layer, node.op_type
    return layer, "QuantizeLinear"


def _counterparts(graph: onnx.ModelProto, made: onnx.ModelProto) -> dict[str, str]:
    """Activations of the real graph and the tensors of the integer graph that stand for them.

    What only a squashing operation reads is compared after it: integers need not tell apart what it makes equal.
    """
    scaled = {one.name.removesuffix("_scale") for one in made.graph.initializer}
    there = {output for node in made.graph.node for output in node.output} | {made.graph.input[0].name}
    before = {node.output[0]: node.input[0] for node in _lone_readers(graph, SQUASHING)}
    pairs = {}
    for name in activations(graph):
        known = [
            f"{one}_quantized" for one in (name, before.get(name)) if one in scaled and f"{one}_quantized" in there
        ]
        if name not in before.values() and (known or name in there):
            pairs[name] = known[0] if known else name
    return pairs


def _lone_readers(graph: onnx.ModelProto, kinds: tuple[str, ...]) -> list[onnx.NodeProto]:
    """Operations of these kinds that alone read their input."""
    readers = [name for node in graph.graph.node for name in node.input]
    return [node for node in graph.graph.node if node.op_type in kinds and readers.count(node.input[0]) == 1]


def _restored(made: onnx.ModelProto, name: str, value: np.ndarray) -> np.ndarray:
    """Real values of the tensor `name` of the integer graph."""
    from onnx import numpy_helper

    if value.dtype == np.float32:
        return value.astype(np.float64)
    stem = name.removesuffix("_quantized")
    stored = {one.name: numpy_helper.to_array(one) for one in made.graph.initializer if one.name.startswith(stem)}
    zero = stored[f"{stem}_zero_point"].astype(np.int64)
    return (value.astype(np.int64) - zero) * stored[f"{stem}_scale"].astype(np.float64)


def _slices(graph: onnx.ModelProto, names: list[str], rows: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
    """Values of these tensors over slices of rows."""
    import onnx

    given = graph.graph.input[0].name
    shown = onnx.ModelProto()
    shown.CopyFrom(graph)
    del shown.graph.output[:]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name != given)
    opened = session(shown.SerializeToString(), optimised=False)
    outputs = [output.name for output in opened.get_outputs()]
    for start in range(0, len(rows), SLICE):
        part = np.ascontiguousarray(rows[start : start + SLICE])
        values = {
            name: np.asarray(value) for name, value in zip(outputs, opened.run(outputs, {given: part}), strict=True)
        }
        yield values | ({given: part} if given in names else {})
