import numpy as np
import onnx
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.images import digits8
from neurosieve.errors import UserError
from neurosieve.export import _recall, onnx_recall_int8
from neurosieve.training.hebbian import supervised


@pytest.fixture(scope="module")
def data():
    return Data.of(digits8.prepare(digits8.Params(scaling="unit", train=50, validation=10, test=20), 3))


@pytest.fixture(scope="module")
def model(data):
    model = build_model("associative.factor", {"order": 4, "threshold": 0.3}, {"input_shape": [1, 8, 8]})
    return supervised.train(model, data, supervised.Params(centre=True), Log())


def test_couplings_are_stored_in_eight_bits_and_the_answers_stay(data, model, tmp_path):
    rows = data.validation.x
    record = onnx_recall_int8.export(model, data.train.x, onnx_recall_int8.Params(repeats=3), tmp_path, rows)
    stored = {one.name: one for one in onnx.load(tmp_path / "model.onnx").graph.initializer}
    whole = onnx.numpy_helper.to_array(stored["E8"])
    assert whole.dtype == np.int8
    step = onnx.numpy_helper.to_array(stored["step"])
    np.testing.assert_allclose(whole * step, model.system["E"], atol=step.max() / 2 + 1e-6)
    measures = {measure.metric: (measure.value, measure.n) for measure in record.measures}
    assert measures["argmax_agreement"] == (pytest.approx(1, abs=0.1), len(rows))
    assert measures["max_absolute_difference"][0] < 0.02
    found, native = onnx_recall_int8.load(tmp_path)(data.test.x), _recall.native(model.system)(data.test.x)
    assert (found.argmax(axis=1) == native.argmax(axis=1)).mean() > 0.9


def test_couplings_that_eight_bits_cannot_hold_are_refused(data, model, tmp_path):
    couplings = model.system["E"].copy()
    couplings[0] = 1e4  # every other entry is now less than half a step
    coarse = model.with_(system=model.system.changed(E=couplings))
    with pytest.raises(UserError, match="8 bits are too coarse"):
        onnx_recall_int8.export(coarse, data.train.x, onnx_recall_int8.Params(), tmp_path)
