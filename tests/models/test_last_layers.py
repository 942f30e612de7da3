import numpy as np
import pytest
import torch
from tests.support import biased_resnet, golden, small_resnet

from neurosieve.errors import UserError
from neurosieve.models.last_layers import cut, cut_off, outputs_of, reinitialise
from neurosieve.models.vision import wide_resnet

CASE = golden("corrective-unlearning", "eu-k-tensors")


@pytest.mark.parametrize(("row", "k"), list(enumerate(CASE["in.k"].tolist())))
def test_what_is_drawn_anew_is_what_the_authors_code_draws_anew(row, k):
    net = biased_resnet(2, 3)
    marked = {name: tensor.fill_(7).clone() for name, tensor in net.state_dict().items()}
    trained = cut(net, k)[1]
    reinitialise(trained)
    state = net.state_dict()
    flags = [not torch.equal(marked[name], tensor) for name, tensor in state.items()]
    np.testing.assert_array_equal(flags, CASE["out.reinitialised"][row].astype(bool))
    np.testing.assert_array_equal([tensor.numel() for tensor in state.values()], CASE["out.numel"])
    assert sum(p.numel() for piece in trained for p in piece.parameters()) == CASE["out.trainable_count"][row]


def test_how_it_is_drawn():
    net = biased_resnet(2, 3)
    reinitialise(cut(net, -1)[1])
    zero, bound = CASE["out.biases_zero"].astype(bool), CASE["out.bound"]
    for place, tensor in enumerate(net.state_dict().values()):
        assert not zero[place] or not tensor.any()
        if bound[place]:
            assert 0.5 * bound[place] < tensor.abs().max() <= bound[place] * (1 + 1e-6)


@pytest.mark.parametrize(("k", "count"), [(-1, 8), (1, 1), (2, 2), (4, 3), (5, 5), (7, 6), (8, 7)])
def test_pieces_of_the_residual_network(k, count):
    frozen, trained = cut(small_resnet().system, k)
    assert len(frozen) + len(trained) == 8
    assert len(trained) == count


def test_a_wide_network_is_cut_where_the_authors_cut_it():
    net = wide_resnet.build(wide_resnet.Params(widen=1), {"input_shape": [3, 32, 32], "classes": 5})
    blocks = {k: len(cut(net, k)[1]) - 1 for k in range(1, 27, 2)}
    assert blocks == {k: (k - 1) // 2 for k in range(1, 27, 2)}
    with pytest.raises(UserError, match="choose one of -1, 1, 3, 5, 7"):
        cut(net, 2)


@pytest.mark.parametrize("k", [3, 6, 40])
def test_a_cut_through_a_block_is_refused(k):
    with pytest.raises(UserError, match="choose one of -1, 1, 2, 4, 5, 7, 8"):
        cut(small_resnet().system, k)


@pytest.mark.parametrize("k", [1, 2, 4, 5, 7, 8])
def test_the_rest_goes_on_from_what_was_cut_off(k):
    net, x = small_resnet().system.eval(), torch.randn(600, 1, 11, 11)
    names = list(net.state_dict())
    frozen = cut(net, k)[0]
    with torch.no_grad():
        before = outputs_of(net, frozen[-1], x)
        with cut_off(net, frozen):
            rest = net(before)
        torch.testing.assert_close(rest, net(x))
    assert list(net.state_dict()) == names
