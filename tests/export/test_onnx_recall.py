"""Parity over whole retrievals in ONNX Runtime, in single precision and with 8-bit couplings."""

import numpy as np
import onnx
import pytest
from tests.support import golden

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.datasets.images import digits8
from neurosieve.errors import UserError
from neurosieve.export import _recall, onnx_recall
from neurosieve.export._ort import session
from neurosieve.export._recall_graph import STATE, graph
from neurosieve.models.associative.hebbian import supervised as held
from neurosieve.training.hebbian import supervised


@pytest.fixture(scope="module")
def data():
    return Data.of(digits8.prepare(digits8.Params(scaling="unit", train=50, test=20), 3))


def memory(data, order):
    model = build_model("associative.factor", {"order": order, "threshold": 0.3}, {"input_shape": [1, 8, 8]})
    return supervised.train(model, data, supervised.Params(centre=True), Log())


@pytest.mark.filterwarnings("ignore:order 3 is odd")
@pytest.mark.parametrize("order", [2, 3, 4, 6, 8])
def test_every_step_is_the_network_s(data, order, tmp_path):
    model = memory(data, order)
    record = onnx_recall.export(model, data.train.x[:100], onnx_recall.Params(repeats=3), tmp_path)
    measures = {measure.metric: measure.value for measure in record.measures if not measure.timing}
    assert measures["max_absolute_difference"] < 1e-5
    assert measures["argmax_agreement"] > 0.98
    run = onnx_recall.load(tmp_path)
    answers = model.system["classes"][run(data.test.x).argmax(axis=1)]
    native = model.system["classes"][_recall.native(model.system)(data.test.x).argmax(axis=1)]
    assert (answers == native).mean() > 0.98
    assert onnx.load(tmp_path / "model.onnx").graph.input[0].name == "x"


@pytest.mark.parametrize("order", [4, 6])
def test_golden_updates_from_a_given_state(order):
    arrays = golden("dense-hebbian", "theory")
    xi, spins = arrays["xi"].astype(float), 30
    couplings = xi * (2 * arrays["agreeing"] / 20 - 1)
    system = build_model("associative.factor", {"order": order}, {"input_shape": [spins]}).system
    system = held(system, couplings, np.arange(200), centre=False)
    opened = session(graph(system, (spins,), 20, eight_bits=False))
    start = np.ascontiguousarray(xi[:, :5].T, np.float32)
    y, state = (np.asarray(out) for out in opened.run(None, {"x": np.zeros_like(start), STATE: start}))
    fields = arrays[f"field_P{order}"]
    clear = np.abs(fields) > 1e-4 * np.abs(fields).max()
    np.testing.assert_array_equal(state[clear], np.sign(fields)[clear])
    np.testing.assert_allclose(y, state @ couplings / spins, atol=1e-5)


def test_what_is_no_trained_memory_is_refused(data, tmp_path):
    with pytest.raises(UserError, match=r"one retrieval step of a trained associative\.factor"):
        onnx_recall.export(Model(object(), "toy", {}, {}), data.train.x, onnx_recall.Params(), tmp_path)
    empty = build_model("associative.factor", {}, {"input_shape": [1, 8, 8]})
    with pytest.raises(UserError, match="trained"):
        onnx_recall.export(empty, data.train.x, onnx_recall.Params(), tmp_path)


def test_a_file_that_differs_by_more_than_is_allowed_fails_parity(data, tmp_path):
    with pytest.raises(UserError, match="the file is not the same function"):
        onnx_recall.export(memory(data, 4), data.train.x[:50], onnx_recall.Params(tolerance=1e-12), tmp_path)
