"""The perceptron's layers, and what it refuses."""

import pytest
import torch

from neurosieve.artifacts.model import build_model
from neurosieve.errors import UserError

SCHEMA = {"input_shape": [1, 16, 16], "classes": 100}


def test_lenet_300_100():
    system = build_model("dense.mlp", {}, SCHEMA).system
    assert [tuple(p.shape) for p in system.parameters() if p.dim() == 2] == [(300, 256), (100, 300), (100, 100)]
    assert sum(p.numel() for p in system.parameters()) == 256 * 300 + 300 * 100 + 100 * 100 + 500
    x = torch.randn(5, 1, 16, 16)
    first, second, third = (layer for layer in system if isinstance(layer, torch.nn.Linear))
    expected = third(torch.relu(second(torch.relu(first(x.reshape(5, 256))))))
    torch.testing.assert_close(system(x), expected, rtol=0, atol=0)


def test_no_hidden_layer():
    system = build_model("dense.mlp", {"hidden": [], "bias": False}, {"input_shape": [4], "classes": 2}).system
    assert [name for name, _ in system.named_parameters()] == ["1.weight"]


def test_refusals():
    with pytest.raises(UserError, match="0 units"):
        build_model("dense.mlp", {"hidden": [0]}, SCHEMA)
    with pytest.raises(UserError, match="class names"):
        build_model("dense.mlp", {}, {"input_shape": [4], "classes": None})
