import torch
from tests.support import BnNet

from neurosieve.kernels.layout import lay_out


def test_only_the_strides_change():
    net = BnNet(2, 3)
    weight, kept = net.conv2.weight, net.conv2.weight.detach().clone()
    assert lay_out(net, torch.channels_last) is net
    assert net.conv2.weight is weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(weight, kept)
    lay_out(net, torch.contiguous_format)
    assert weight.is_contiguous()
