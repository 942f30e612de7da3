import numpy as np
import onnx
import pytest
import torch
from tests.support import BnNet, blobs, model_of, perceptron, small_resnet
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.export import _int8
from neurosieve.export._graph import count_nonzeros, weights, written
from neurosieve.export._ort import runtime
from neurosieve.interventions.pruning import magnitude

DRAW = np.random.default_rng(0)
IMAGES = DRAW.normal(size=(120, 1, 6, 6)).astype(np.float32)


def graph_of(net, example):
    return _int8.prepared(written(net.eval(), example, 20))


@pytest.fixture(scope="module")
def graph():
    torch.manual_seed(0)
    net = BnNet(1, 3).train()
    net(torch.from_numpy(IMAGES))
    return graph_of(net, IMAGES)


def test_equal_rows_stay_on_one_side_of_the_split():
    repeated = np.concatenate([IMAGES, IMAGES[::-1]])
    calibration, held = _int8.divided(repeated)
    assert len(calibration) + len(held) == 240
    assert 0.1 < len(held) / 240 < 0.4
    assert not {row.tobytes() for row in calibration} & {row.tobytes() for row in held}


@pytest.mark.parametrize("rows", range(2, 9))
def test_of_few_rows_other_ones_are_held_out(rows):
    calibration, held = _int8.divided(np.concatenate([IMAGES[:rows], IMAGES[:rows]]))
    assert len(calibration) + len(held) == 2 * rows
    assert not {row.tobytes() for row in calibration} & {row.tobytes() for row in held}
    assert min(len(calibration), len(held)) > 0


def test_one_distinct_row_is_all_there_is():
    same = np.repeat(IMAGES[:1], 3, axis=0)
    calibration, held = _int8.divided(same)
    assert calibration is held is same


def test_validation_rows_are_compared_on_where_there_are_any():
    calibration, held = _int8.divided(IMAGES, IMAGES[:7] + 1)
    assert calibration is IMAGES
    np.testing.assert_array_equal(held, IMAGES[:7] + 1)
    assert len(_int8.divided(IMAGES, IMAGES[:0])[1]) > 0


def test_a_range_is_one_also_where_everything_has_settled(graph):
    before_celu = next(node.input[0] for node in graph.graph.node if node.op_type == "Celu")
    found = {before_celu: _int8.Spread(-5.0, -2.0)}
    assert _int8.ranges(graph, found, "minmax", 99.9)[before_celu] == (-2.0, -2.0)


def test_spreads_do_not_depend_on_how_rows_are_sliced(graph, monkeypatch):
    whole = _int8.spreads(graph, IMAGES)
    monkeypatch.setattr(_int8, "SLICE", 7)
    sliced = _int8.spreads(graph, IMAGES[::-1])
    assert list(whole) == list(sliced)
    for name, one in whole.items():
        assert one.counts.sum() == sliced[name].counts.sum() > 0
        np.testing.assert_allclose([one.low, one.high], [sliced[name].low, sliced[name].high], rtol=1e-5, atol=1e-6)
    assert whole["x"].low == IMAGES.min()


def test_memory_does_not_grow_with_the_rows(graph, monkeypatch):
    sizes = []
    given = _int8._slices

    def watched(*arguments):
        for values in given(*arguments):
            sizes.append(max(len(value) for value in values.values()))
            yield values

    monkeypatch.setattr(_int8, "_slices", watched)
    _int8.spreads(graph, np.tile(IMAGES, (42, 1, 1, 1))[:5000])
    assert len(sizes) == 2 * -(-5000 // _int8.SLICE)
    assert max(sizes) == _int8.SLICE


@pytest.mark.parametrize("calibrator", _int8.CALIBRATORS)
def test_repeated_rows_give_the_same_ranges(graph, calibrator):
    one = _int8.ranges(graph, _int8.spreads(graph, IMAGES), calibrator, 99.9)
    many = _int8.ranges(graph, _int8.spreads(graph, np.repeat(IMAGES, 25, axis=0)), calibrator, 99.9)
    for name, pair in one.items():
        np.testing.assert_allclose(many[name], pair, rtol=0.01, atol=1e-6)


def test_ranges_are_never_wider_than_what_was_seen(graph):
    found = _int8.spreads(graph, IMAGES)
    seen = _int8.ranges(graph, found, "minmax", 99.9)
    for calibrator in ("entropy", "percentile"):
        for name, (low, high) in _int8.ranges(graph, found, calibrator, 99.0).items():
            assert seen[name][0] <= low <= high <= seen[name][1]


def test_no_level_is_spent_where_a_celu_has_settled(graph):
    found = _int8.spreads(graph, IMAGES)
    before_celu = next(node.input[0] for node in graph.graph.node if node.op_type == "Celu")
    low, high = _int8.ranges(graph, found, "minmax", 99.9)[before_celu]
    assert found[before_celu].low < -6 * 0.075
    assert low == pytest.approx(-6 * 0.075)
    assert high == found[before_celu].high


def test_values_that_are_not_finite_are_one_line():
    net = perceptron(4, 5, 3)
    with torch.no_grad():
        net[0].weight[0, 0] = float("inf")
    rows = DRAW.normal(size=(5, 4)).astype(np.float32)
    with pytest.raises(UserError, match=r"'.+' of the network is not finite"):
        _int8.spreads(graph_of(net, rows), rows)


def test_integer_operators_with_unsigned_activations(graph):
    made = _int8.quantised(graph, _int8.ranges(graph, _int8.spreads(graph, IMAGES), "minmax", 99.9), False)
    kinds = [node.op_type for node in made.graph.node]
    assert kinds.count("QLinearConv") == 2
    assert kinds.count("QGemm") == 1
    types = {tensor.name: tensor.data_type for tensor in made.graph.initializer}
    assert {kind for name, kind in types.items() if name.endswith("weight_quantized")} == {onnx.TensorProto.INT8}
    assert types["x_zero_point"] == onnx.TensorProto.UINT8
    scales = {tensor.name: list(tensor.dims) for tensor in made.graph.initializer}
    assert scales["conv1.weight_scale"] == [4]


def test_seven_bits_under_reduce_range(graph):
    chosen = _int8.ranges(graph, _int8.spreads(graph, IMAGES), "minmax", 99.9)
    for reduced, most in ((False, 127), (True, 64)):
        stored = _int8.steps(graph, _int8.quantised(graph, chosen, reduced))
        assert np.abs(stored["conv1.weight"]).max() == most


def test_nothing_to_quantise():
    graph = graph_of(nn.Sequential(nn.ReLU()), np.ones((3, 4), np.float32))
    with pytest.raises(UserError, match="no operation that works on integers"):
        _int8.quantised(graph, {"x": (0.0, 1.0)}, False)


@pytest.mark.parametrize("sparsity", [0.0, 0.9])
def test_zeros_stay_zeros(sparsity):
    images = blobs(60, 3, (1, 11, 11))
    model = magnitude.intervene(
        small_resnet(width=2), Data.of(images), magnitude.Params(sparsity=sparsity, keep_per_layer=1), Log()
    )
    rows = images.split("train").x
    graph = graph_of(model.system, rows)
    made = _int8.quantised(graph, _int8.ranges(graph, _int8.spreads(graph, rows), "minmax", 99.9), False)
    real, stored = weights(graph), _int8.steps(graph, made)
    assert set(stored) == set(real)
    assert count_nonzeros(stored) <= count_nonzeros(real)
    assert count_nonzeros(stored) > 0.9 * count_nonzeros(real)
    for name, value in real.items():
        assert not stored[name][value == 0].any()


def test_weights_that_gain_elements_are_refused(graph):
    made = _int8.quantised(graph, _int8.ranges(graph, _int8.spreads(graph, IMAGES), "minmax", 99.9), False)
    zero = next(tensor for tensor in made.graph.initializer if tensor.name == "fc.weight_zero_point")
    pruned = onnx.ModelProto.FromString(graph.SerializeToString())
    weight = next(tensor for tensor in pruned.graph.initializer if tensor.name == "fc.weight")
    weight.CopyFrom(onnx.numpy_helper.from_array(np.zeros(weight.dims, np.float32), weight.name))
    assert zero.data_type == onnx.TensorProto.INT8
    with pytest.raises(UserError, match=r"pruned elements of 'fc\.weight' are no longer 0"):
        _int8.steps(pruned, made)


def test_the_first_layer_that_diverges_is_named():
    net = perceptron(6, 8, 8, 3)
    rows = DRAW.normal(size=(64, 6)).astype(np.float32)
    graph = graph_of(net, rows)
    chosen = dict(_int8.ranges(graph, _int8.spreads(graph, rows), "minmax", 99.9))
    second = graph.graph.node[2].output[0]
    chosen[second] = chosen[graph.graph.node[3].output[0]] = (0.0, 1e-3)
    made = _int8.quantised(graph, chosen, False)
    assert _int8.first_divergence(graph, made, rows, 0.5).startswith("2 (Relu")
    good = _int8.quantised(graph, _int8.ranges(graph, _int8.spreads(graph, rows), "minmax", 99.9), False)
    assert "0.0" in _int8.first_divergence(graph, good, rows, 0.5)
    broken = onnx.ModelProto.FromString(good.SerializeToString())
    stored = _int8._counterparts(graph, good)[graph.graph.node[3].output[0]].removesuffix("_quantized")
    scale = next(one for one in broken.graph.initializer if one.name == f"{stored}_scale")
    scale.CopyFrom(onnx.numpy_helper.from_array(np.array(np.nan, np.float32), scale.name))
    assert _int8.first_divergence(graph, broken, rows, 0.5) == "2 (Relu, inf deviations off)"
    assert set(_int8._counterparts(graph, good)) == {"x", *(graph.graph.node[i].output[0] for i in (1, 3, 4))}
    expected = model_of(net, (6,), 3).system(torch.from_numpy(rows)).detach().numpy()
    np.testing.assert_allclose(runtime(good.SerializeToString())(rows), expected, atol=0.1)
