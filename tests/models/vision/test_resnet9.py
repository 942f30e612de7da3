import pytest
import torch
from torch import nn

from neurosieve.errors import UserError
from neurosieve.models.vision.resnet9 import Params, build


@pytest.mark.parametrize(("size", "channels", "classes"), [(14, 1, 10), (16, 1, 100), (11, 3, 2), (28, 1, 10)])
def test_shapes(size, channels, classes):
    net = build(Params(), {"input_shape": [channels, size, size], "classes": classes}).eval()
    assert net(torch.randn(2, channels, size, size)).shape == (2, classes)


def test_weights_by_kind():
    net = build(Params(width=8), {"input_shape": [1, 14, 14], "classes": 10})
    count = dict.fromkeys((nn.Conv2d, nn.BatchNorm2d, nn.Linear), 0)
    for module in net.modules():
        if type(module) in count:
            count[type(module)] += sum(p.numel() for p in module.parameters())
    assert list(count.values()) == [35528, 336, 160]
    assert sum(p.numel() for p in net.parameters()) == 36024


def test_global_max_pool_and_celu():
    net = build(Params(width=2), {"input_shape": [1, 14, 14], "classes": 3}).eval()
    x = torch.randn(4, 1, 14, 14)
    assert torch.equal(net(x), net.head(net.features(x).flatten(2).max(dim=2).values))
    assert {m.alpha for m in net.modules() if isinstance(m, nn.CELU)} == {0.075}


@pytest.mark.parametrize("shape", [[1, 8, 8], [64], [1, 10, 28]])
def test_too_small_or_no_image_is_refused(shape):
    with pytest.raises(UserError, match="at least 11 pixels"):
        build(Params(), {"input_shape": shape, "classes": 10})
