import pytest
import torch
from torch import nn

from neurosieve.errors import UserError
from neurosieve.models.vision.resnet18 import Params, build


@pytest.mark.parametrize(("size", "channels", "classes"), [(16, 1, 100), (32, 3, 10), (8, 3, 2), (28, 1, 10)])
def test_shapes(size, channels, classes):
    net = build(Params(width=2), {"input_shape": [channels, size, size], "classes": classes}).eval()
    assert net(torch.randn(2, channels, size, size)).shape == (2, classes)


def test_weights_of_the_full_network():
    with torch.device("meta"):
        net = build(Params(), {"input_shape": [3, 32, 32], "classes": 100})
    assert sum(p.numel() for p in net.parameters()) == 11_220_132
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert sum(m.kernel_size == (3, 3) for m in convolutions) == 17
    assert sum(m.kernel_size == (1, 1) for m in convolutions) == 3
    assert not any(isinstance(m, nn.MaxPool2d) for m in net.modules())


def test_each_later_stage_halves_the_sides():
    net = build(Params(width=2), {"input_shape": [3, 32, 32], "classes": 4}).eval()
    x, sides = net.stem(torch.randn(1, 3, 32, 32)), []
    for block in net.features:
        x = block(x)
        sides.append((x.shape[1], x.shape[2]))
    assert sides == [(2, 32), (2, 32), (4, 16), (4, 16), (8, 8), (8, 8), (16, 4), (16, 4)]


def test_a_block_adds_its_input_before_the_last_relu():
    net = build(Params(width=3), {"input_shape": [1, 8, 8], "classes": 2}).eval()
    block, x = net.features[0], torch.randn(2, 3, 8, 8)
    assert torch.equal(block(x), (block.branch(x) + x).clamp(min=0))


@pytest.mark.parametrize("shape", [[3, 7, 32], [64]])
def test_too_small_or_no_image_is_refused(shape):
    with pytest.raises(UserError, match="at least 8 pixels"):
        build(Params(), {"input_shape": shape, "classes": 10})
