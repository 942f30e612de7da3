"""One retrieval step of a dense Hebbian network as an ONNX graph that carries its state, in matrix products and powers.

Inputs `x` [batch, ...] and `state.spins` [batch, N], outputs `y` [batch, K] (overlaps with the columns after the step)
and `state.spins`. A state of zeros means that nothing has begun: the step then starts from x, above the threshold +1.
All spins are updated together at temperature 0. Their fields are exact, own spin left out, by the binomial theorem:
h_i is proportional to s_i sum_mu [a^P - (a - 2 e s_i)^P] with e = E_{i mu} / N: one product of E^k and a^(P-k) for each
k = 1..P. Couplings are stored in single precision, or as 8-bit whole numbers with a scale per column.
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosieve.models.associative.factor import Factor

if TYPE_CHECKING:
    import onnx

STATE = "state.spins"
STEPS = "steps"


def graph(system: Factor, shape: tuple[int, ...], opset: int, *, eight_bits: bool) -> bytes:
    """The file's bytes for inputs of `shape` (without rows); it tells how many steps a retrieval takes."""
    from onnx import TensorProto, checker, helper

    spins, columns = system["E"].shape
    nodes, constants = _step(system, eight_bits)
    floats = TensorProto.FLOAT
    inputs = [("x", list(shape)), (STATE, [spins])]
    outputs = [("y", [columns]), (f"{STATE}.next", [spins])]
    made = helper.make_graph(
        nodes,
        "recall",
        [helper.make_tensor_value_info(name, floats, ["batch", *sides]) for name, sides in inputs],
        [helper.make_tensor_value_info(name, floats, ["batch", *sides]) for name, sides in outputs],
        constants,
    )
    proto = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    helper.set_model_props(proto, {STEPS: str(system.params.sweeps)})
    checker.check_model(proto)
    return proto.SerializeToString(deterministic=True)


class _Nodes:
    """Nodes and constants under way; each call names its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: object, kind: type = np.float32) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def __call__(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = to or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name


def _step(system: Factor, eight_bits: bool) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    add, order, n = _Nodes(), system.params.order, len(system["E"])
    zero, one, minus = (add.constant(name, value) for name, value in (("zero", 0), ("one", 1), ("minus", -1)))
    above = add("Greater", add("Flatten", "x", axis=1), add.constant("threshold", system.params.threshold))
    state = add("Where", add("Equal", STATE, zero), add("Where", above, one, minus), STATE)
    couplings = _couplings(add, system["E"], eight_bits)
    spins = add.constant("spins", n)
    overlaps = add("Div", add("MatMul", state, couplings), spins)
    field = ""
    for k in range(1, order + 1):
        size = add.constant(f"size{k}", (-1) ** (k + 1) * comb(order, k) * 2.0**k / float(n) ** (k - 1))
        rest = add("Pow", overlaps, add.constant(f"rest{k}", order - k))
        powers = add("Transpose", add("Pow", couplings, add.constant(f"power{k}", k)), perm=[1, 0])
        term = add("Mul", add("MatMul", rest, powers), size)
        term = term if k % 2 else add("Mul", term, state)
        field = add("Add", field, term) if field else term
    kept = add("Where", add("Equal", field, zero), state, add("Sign", field))
    after = add("Identity", kept, to=f"{STATE}.next")
    add("Div", add("MatMul", after, couplings), spins, to="y")
    return add.nodes, add.constants


def _couplings(add: _Nodes, couplings: np.ndarray, eight_bits: bool) -> str:
    if not eight_bits:
        return add.constant("E", couplings)
    step = np.abs(couplings).max(axis=0) / 127
    step = np.where(step > 0, step, 1.0)
    whole = add.constant("E8", np.round(couplings / step), np.int8)
    return add("DequantizeLinear", whole, add.constant("step", step), to="E", axis=1)
