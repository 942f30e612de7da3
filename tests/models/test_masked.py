import torch
from tests.support import BnNet

from neurosieve.models.masked import apply_masks, maskable


def test_matrices_and_convolutions_are_maskable():
    assert list(maskable(BnNet(1, 3))) == ["conv1.weight", "conv2.weight", "fc.weight"]


def test_masked_weights_are_exactly_zero_and_others_untouched():
    net = BnNet(1, 3)
    before = net.fc.weight.detach().clone()
    mask = torch.rand(before.shape) > 0.5
    apply_masks(net, {"fc.weight": mask})
    assert torch.equal(net.fc.weight[mask], before[mask])
    assert not net.fc.weight[~mask].any()
