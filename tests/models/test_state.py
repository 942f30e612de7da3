import numpy as np
import torch
from tests.support import BnNet

from neurosieve.models.state import assign, digest, flat


def test_digest_sees_every_byte_but_not_the_layout():
    torch.manual_seed(0)
    net = BnNet(2, 3)
    first = digest(net)
    net.to(memory_format=torch.channels_last)
    assert digest(net) == first
    net.bn1.running_mean[0] += 1e-7
    assert digest(net) != first


def test_flat_and_assign_are_inverse_for_any_layout():
    net = BnNet(2, 3).to(memory_format=torch.channels_last)
    tensors = list(net.parameters())
    vector = flat(tensors)
    expected = np.concatenate([t.detach().contiguous().numpy().ravel() for t in tensors])
    np.testing.assert_array_equal(vector, expected)
    assign(tensors, vector * 2)
    np.testing.assert_array_equal(flat(tensors), vector * 2)
