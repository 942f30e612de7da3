"""What is deployed: ONNX Runtime in single precision and in 8-bit integers against the network in eager mode."""

import numpy as np
import pytest

from benchmarks.racing import TIMED, Racer
from neurosieve.artifacts.view import module_runtime
from neurosieve.export import onnx, onnx_int8
from neurosieve.export._ort import TIMED as BATCHES

pytestmark = TIMED
TARGETS = {"onnx": onnx, "onnx-int8": onnx_int8}
CALLS = 20
"""Calls per timed run: one takes less than a millisecond."""


@pytest.fixture(scope="module", params=TARGETS)
def target(request, original, data, tmp_path_factory):
    """Name and function of an exported file; 8 bits are calibrated on 256 retained rows."""
    component, path = TARGETS[request.param], tmp_path_factory.mktemp("export")
    component.export(original, data.retain.tensor()[:256].numpy(), component.Params(repeats=3), path)
    return request.param, component.load(path)


@pytest.mark.parametrize("batch", BATCHES)
def test_target(race, original, data, target, batch):
    (name, run), native = target, module_runtime(original.system)
    inputs = data.test.tensor()[:batch].numpy()

    def alike(found, expected):
        if name == "onnx":
            np.testing.assert_allclose(found, expected, atol=1e-4)
        else:
            assert np.sqrt(((found - expected) ** 2).mean()) < 0.2 * expected.std()

    def repeated(function):
        def call():
            for _ in range(CALLS):
                outputs = function(inputs)
            return outputs

        return Racer(call)

    race(f"inference, {name}", f"batch {batch}, {CALLS} calls", repeated(run), {"eager": repeated(native)}, alike, 9)
