import pytest
import torch
from pydantic import ValidationError
from torch import nn

from neurosieve.errors import UserError
from neurosieve.models.vision.wide_resnet import Params, build

SMALL = Params(depth=10, widen=1)


@pytest.mark.parametrize(("size", "channels", "classes"), [(16, 1, 100), (32, 3, 10), (4, 3, 2)])
def test_shapes(size, channels, classes):
    net = build(SMALL, {"input_shape": [channels, size, size], "classes": classes}).eval()
    assert net(torch.randn(2, channels, size, size)).shape == (2, classes)


def test_weights_of_the_full_network():
    with torch.device("meta"):
        net = build(Params(), {"input_shape": [3, 32, 32], "classes": 100})
    convolutions = [m for m in net.modules() if isinstance(m, nn.Conv2d)]
    assert sum(m.kernel_size == (3, 3) for m in convolutions) == 25
    assert sum(m.kernel_size == (1, 1) for m in convolutions) == 3
    given, expected = 16, 3 * 16 * 9 + 16 + 640 * 100 + 100
    for width in (160, 320, 640):
        expected += given * width + width + 2 * width  # the shortcut and its BatchNorm
        for _ in range(4):
            expected += 2 * given + given * width * 9 + width + 2 * width + width * width * 9 + width
            given = width
    assert sum(p.numel() for p in net.parameters()) == expected


def test_later_stages_halve_the_sides_in_the_second_convolution():
    net = build(SMALL, {"input_shape": [3, 32, 32], "classes": 4}).eval()
    x, sides = net.stem(torch.randn(1, 3, 32, 32)), []
    for block in net.features:
        x = block(x)
        sides.append((x.shape[1], x.shape[2]))
    assert sides == [(16, 32), (32, 16), (64, 8)]
    assert [layer.stride for layer in net.features[1].branch if isinstance(layer, nn.Conv2d)] == [(1, 1), (2, 2)]


def test_a_block_adds_its_input_as_it_is():
    net = build(SMALL, {"input_shape": [1, 8, 8], "classes": 2}).eval()
    block, x = net.features[0], torch.randn(2, 16, 8, 8)
    assert torch.equal(block(x), block.branch(x) + x)


@pytest.mark.parametrize("shape", [[3, 3, 32], [64]])
def test_too_small_or_no_image_is_refused(shape):
    with pytest.raises(UserError, match="at least 4 pixels"):
        build(SMALL, {"input_shape": shape, "classes": 10})


def test_a_depth_of_no_whole_blocks_is_refused():
    with pytest.raises(ValidationError, match="30 is not 6 n"):
        Params(depth=30)
