import math

import numpy as np
import pytest
from tests.support import perceptron

from neurosieve.artifacts.view import module_runtime
from neurosieve.export._graph import written
from neurosieve.export._ort import TIMED, largest_difference, latency_ratios, runtime, session

EXAMPLE = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def net():
    return perceptron(4, 6, 3).eval()


@pytest.fixture(scope="module")
def content(net):
    return written(net, EXAMPLE, 20)


def test_a_file_and_its_bytes_run_alike(content, net, tmp_path):
    (tmp_path / "a.onnx").write_bytes(content)
    one, two = runtime(content), runtime(tmp_path / "a.onnx")
    np.testing.assert_array_equal(one(EXAMPLE), two(EXAMPLE))
    np.testing.assert_allclose(one(EXAMPLE[::-1]), module_runtime(net)(EXAMPLE[::-1]), atol=1e-6)


def test_one_thread(content):
    options = session(content).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)


def test_the_largest_difference_over_all_batches():
    def off_at_row_6(inputs):
        return inputs + (np.arange(len(inputs)) == 6)[:, None] * np.float32(0.5)

    same = largest_difference(lambda x: x, lambda x: x, EXAMPLE, (1, 7))
    assert same == 0
    assert largest_difference(off_at_row_6, lambda x: x, EXAMPLE, (1, 2)) == 0
    assert largest_difference(off_at_row_6, lambda x: x, EXAMPLE, (1, 7)) == pytest.approx(0.5)
    assert math.isnan(largest_difference(lambda x: x * np.nan, lambda x: x, EXAMPLE, (1, 2)))


def test_both_sides_are_called_in_turns():
    calls = []

    def side(name):
        def run(inputs):
            calls.append((name, len(inputs)))
            return inputs

        return run

    measured = latency_ratios(side("target"), side("native"), EXAMPLE, 4)
    assert [(m.metric, m.at, m.timing) for m in measured] == [("latency_ratio", {"batch": n}, True) for n in TIMED]
    for batch in TIMED:
        assert [name for name, rows in calls if rows == batch] == ["target", "native"] * 7
