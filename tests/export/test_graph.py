import numpy as np
import onnx
from tests.support import BnNet, perceptron

from neurosieve.export._graph import clean, count_nonzeros, rows, weights, written

EXAMPLE = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_rows_repeat_in_turn():
    np.testing.assert_array_equal(rows(EXAMPLE, 7), EXAMPLE[[0, 1, 2, 0, 1, 2, 0]])
    np.testing.assert_array_equal(rows(EXAMPLE, 2), EXAMPLE[:2])


def test_weights_are_the_networks():
    net = perceptron(4, 5, 3).eval()
    net[0].weight.data[0] = 0
    found = weights(onnx.load_from_string(written(net, EXAMPLE, 20)))
    assert sorted(value.shape for value in found.values()) == [(3,), (3, 5), (5,), (5, 4)]
    np.testing.assert_array_equal(found["0.weight"], net[0].weight.detach().numpy())
    assert count_nonzeros(found) == 20 + 5 + 15 + 3 - 4


def test_normalisation_is_folded():
    net = BnNet(1, 3).eval()
    images = np.ones((2, 1, 6, 6), np.float32)
    graph = onnx.load_from_string(written(net, images, 20))
    assert "BatchNormalization" not in [node.op_type for node in graph.graph.node]


def test_clean_keeps_the_graph_and_drops_its_notes():
    graph = onnx.load_from_string(written(perceptron(4, 3).eval(), EXAMPLE, 20))
    node = graph.graph.node[0]
    node.doc_string = "/somewhere/net.py"
    node.metadata_props.add(key="trace", value="/somewhere/net.py")
    cleaned = onnx.load_from_string(clean(graph))
    assert cleaned.graph.node[0].input == node.input
    assert not cleaned.graph.node[0].metadata_props
    assert not cleaned.graph.node[0].doc_string
