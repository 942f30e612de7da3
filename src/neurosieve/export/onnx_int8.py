"""ONNX in 8-bit integers (static, per-channel weights, unsigned activations), run by ONNX Runtime with one thread.

Calibrated on training rows, where the study forgets on retained ones only: the scales of a deployed file must not
hold what was forgotten. Three calibrators are fitted: minmax (the range that was seen), entropy (least
Kullback-Leibler divergence, Migacz 2017), percentile; and compared on validation rows, where there are none on
training rows held out of calibration (of one distinct row, on itself: held_out_rows is then 0 in `facts`), never on
test rows. The file is the chosen one's; where its outputs have little to do with the network's the export fails and
names the first layer that diverges.

max_logit_difference, argmax_agreement and output_nrmse compare outputs with the network's on the held-out rows, the
last two also at calibrator=<each> and, with reduce_range, at reduce_range=false. nonzeros counts dequantised weights
and is never above that of the single-precision file. Saturating 8-bit sums depend on the CPU: these figures hold for
the instruction set in `facts`; without VNNI set reduce_range. latency_ratio is to the network in eager mode.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.export import ExportRecord
from neurosieve.artifacts.metrics import Measure
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Runtime, module_runtime
from neurosieve.errors import UserError
from neurosieve.export import _int8
from neurosieve.export._graph import BATCHES, count_nonzeros, written
from neurosieve.export._ort import instruction_set, largest_difference, latency_ratios, runtime

if TYPE_CHECKING:
    import onnx

VIEWS = ("retain",)
NEEDS = ("onnx", "onnxruntime", "onnxscript")
FILE = "model.onnx"
STORAGE = "8-bit integers in a dense format: pruned weights are stored as zeros and multiplied"


class Params(BaseModel):
    """How scales are found, and what counts as a collapse."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    opset: int = Field(20, ge=18, le=26)
    """ONNX operator set; the exporter gives no lower one than 18."""
    calibrator: Literal["minmax", "entropy", "percentile"] = "minmax"
    """How the range of an activation is found; the other two are compared."""
    percentile: float = Field(99.999, gt=50, le=100)
    """Share of values, in percent, that the calibrator percentile keeps within the range."""
    reduce_range: bool = False
    """7 bits for weights: exact sums on CPUs without VNNI, at some cost in accuracy."""
    agreement: float = Field(0.5, ge=0, le=1)
    """Least share of held-out rows whose largest output must stay the network's."""
    tolerance: float = Field(0.5, gt=0)
    """Largest root mean square difference of outputs, in their standard deviations, that passes."""
    repeats: int = Field(30, ge=3)
    """Timed runs per batch size."""


@dataclass(frozen=True)
class Comparison:
    """Outputs of a file against the network's on held-out rows.

    `agreement`: share of rows with the same largest output; `nrmse`: root mean square difference in standard
    deviations of the network's outputs over the rows (1: no better than their mean); `largest`: largest absolute
    difference; `constant`: the network gives all rows the same, and nrmse is relative to the largest of its outputs.
    """

    agreement: float
    nrmse: float
    largest: float
    constant: bool

    @staticmethod
    def of(expected: np.ndarray, said: np.ndarray) -> Comparison:
        """From outputs [rows, ...] of the network and of the file."""
        off = np.abs(said.astype(np.float64) - expected)
        size = float(np.abs(expected).max())
        constant = bool(np.ptp(expected, axis=0).max() <= 1e-6 * size)
        error = math.sqrt(float((off**2).mean()))
        spread = size if constant else math.sqrt(float(expected.astype(np.float64).var(axis=0).mean()))
        flat = [outputs.reshape(len(outputs), -1).argmax(axis=1) for outputs in (expected, said)]
        same = float((flat[0] == flat[1]).mean())
        nrmse = error / spread if spread else math.inf if error else 0.0
        return Comparison(same, nrmse, float(off.max()), constant)

    def measures(self, rows: int, **at: object) -> list[Measure]:
        return [
            Measure("argmax_agreement", self.agreement, n=rows, at=at or None),
            Measure("output_nrmse", self.nrmse, n=rows, at=at or None),
        ]


def export(
    model: Model, example: np.ndarray, params: Params, path: Path, validation: np.ndarray | None = None
) -> ExportRecord:
    """Write `model.onnx` into the folder `path`, calibrated on `example` rows [n, ...], compared on `validation` rows.

    Without validation rows some of the example are held out. Raises UserError when the network cannot be exported,
    holds nothing to quantise, its outputs are not finite, or the calibration collapses.
    """
    module = copy.deepcopy(model.system).to("cpu").eval()
    native = module_runtime(module)
    graph = _int8.prepared(written(module, example, params.opset))
    calibration, held = _int8.divided(example, validation)
    expected, found = _outputs(native, held), _int8.spreads(graph, calibration)
    if not np.isfinite(expected).all():
        raise UserError("onnx-int8: the network's own outputs are not finite: it diverged in training")
    made, compared = {}, {}
    for name in _int8.CALIBRATORS:
        chosen = _int8.ranges(graph, found, name, params.percentile)
        made[name] = _int8.quantised(graph, chosen, params.reduce_range)
        compared[name] = Comparison.of(expected, _outputs(_run(made[name]), held))
    best, own = made[params.calibrator], compared[params.calibrator]
    _check(graph, best, held, own, params)
    (path / FILE).write_bytes(best.SerializeToString(deterministic=True))
    measures = [row for name, one in compared.items() for row in one.measures(len(held), calibrator=name)]
    if params.reduce_range:
        chosen = _int8.ranges(graph, found, params.calibrator, params.percentile)
        full = _run(_int8.quantised(graph, chosen, reduce_range=False))
        measures += Comparison.of(expected, _outputs(full, held)).measures(len(held), reduce_range="false")
    target = load(path)
    over_batches = largest_difference(target, native, example, BATCHES)
    measures += [
        *own.measures(len(held)),
        Measure("max_logit_difference", float(np.max([own.largest, over_batches])), n=len(held) + sum(BATCHES)),
        Measure("size_bytes", (path / FILE).stat().st_size),
        Measure("nonzeros", count_nonzeros(_int8.steps(graph, best))),
        *latency_ratios(target, native, example, params.repeats),
    ]
    facts = _facts(params, len(calibration), 0 if held is calibration else len(held))
    return ExportRecord(target="onnx-int8", files=(FILE,), runtime="onnxruntime", facts=facts, measures=tuple(measures))


def load(path: Path) -> Runtime:
    """The file in the folder `path` as a function from inputs [rows, ...] to outputs, on one thread."""
    return runtime(path / FILE)


def _check(graph: onnx.ModelProto, made: onnx.ModelProto, held: np.ndarray, own: Comparison, params: Params) -> None:
    """Raise UserError where the file's outputs have little to do with the network's, or are not finite."""
    if own.nrmse <= params.tolerance and (own.constant or own.agreement >= params.agreement):
        return
    where = _int8.first_divergence(graph, made, held, params.tolerance)
    raise UserError(
        f"onnx-int8: calibrator {params.calibrator} collapses: {own.agreement:.1%} of held-out rows keep their"
        f" prediction and outputs are {own.nrmse:.2g} standard deviations off; the first layer that diverges is"
        f" {where}; choose another `calibrator`"
    )


def _outputs(run: Runtime, inputs: np.ndarray) -> np.ndarray:
    """Outputs [rows, ...], in slices."""
    return np.concatenate([run(inputs[i : i + _int8.SLICE]) for i in range(0, len(inputs), _int8.SLICE)])


def _run(graph: onnx.ModelProto) -> Runtime:
    return runtime(graph.SerializeToString())


def _facts(params: Params, calibrated: int, held: int) -> dict[str, str | int | float | bool | list[int]]:
    own = {"percentile": params.percentile} if params.calibrator == "percentile" else {}
    return {
        "opset": params.opset,
        "batches": list(BATCHES),
        "format": "QOperator, QUInt8 activations, QInt8 weights per channel",
        "calibrator": params.calibrator,
        **own,
        "reduce_range": params.reduce_range,
        "calibration_rows": calibrated,
        "held_out_rows": held,
        "instruction_set": instruction_set(),
        "storage": STORAGE,
    }
