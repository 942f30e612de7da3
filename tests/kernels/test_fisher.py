import pytest
import torch
import torch.nn.functional as F
from tests.support import BnNet, perceptron, same_state
from torch import nn

from neurosieve.kernels.fisher import batch_gradients, row_gradients


def cross_entropy(labels):
    return lambda logits, rows: F.cross_entropy(logits, labels[rows], reduction="none")


def singles(n):
    return [torch.tensor([row]) for row in range(n)]


def test_uniform_softmax_by_hand():
    net = nn.Linear(2, 2, bias=False)
    nn.init.zeros_(net.weight)
    found = batch_gradients(net, torch.tensor([[1.0, 2.0]]), singles(1), cross_entropy(torch.tensor([0])))
    torch.testing.assert_close(found["weight"], torch.tensor([[0.25, 1.0], [0.25, 1.0]]))


def test_opposite_rows_cancel_in_a_batch_but_not_one_by_one():
    net = nn.Linear(1, 2, bias=False)
    nn.init.zeros_(net.weight)
    x, loss = torch.tensor([[1.0], [-1.0]]), cross_entropy(torch.tensor([0, 0]))
    assert torch.equal(batch_gradients(net, x, [torch.arange(2)], loss)["weight"], torch.zeros(2, 1))
    torch.testing.assert_close(row_gradients(net, x, [torch.arange(2)], loss)["weight"], torch.full((2, 1), 0.25))


class Strided(nn.Module):
    """Bias, stride, dilation, 1-d BatchNorm, an in-place activation and a linear layer over positions."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 3, stride=2, padding=1, dilation=2)
        self.bn = nn.BatchNorm2d(3)
        self.act = nn.ReLU(inplace=True)
        self.mix = nn.Linear(4, 3)
        self.bn1, self.out = nn.BatchNorm1d(9), nn.Linear(9, 3)

    def forward(self, x):
        x = self.act(self.bn(self.conv(x))).mean(dim=3)
        return self.out(self.bn1(self.mix(x).flatten(1)))


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(torch.tanh(self.layer(x)))


class Grouped(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale, self.conv = nn.Parameter(torch.tensor(1.5)), nn.Conv2d(2, 4, 3, groups=2)

    def forward(self, x):
        return self.scale * self.conv(x).mean(dim=(2, 3))


class Attending(nn.Module):
    """Layer norm, attention over positions and a weight of its own: no layer of it has a closed form here."""

    def __init__(self):
        super().__init__()
        self.norm, self.mix, self.place = nn.LayerNorm(4), nn.Linear(4, 12), nn.Parameter(torch.ones(3, 4))

    def forward(self, x):
        query, key, value = self.mix(self.norm(x + self.place)).chunk(3, dim=-1)
        return F.scaled_dot_product_attention(query, key, value).mean(dim=1)


class Deciding(nn.Module):
    """Looks at a value to decide what to do: not to be mapped over."""

    def __init__(self):
        super().__init__()
        self.scale, self.layer = nn.Parameter(torch.tensor(1.5)), nn.Linear(4, 3)

    def forward(self, x):
        return self.scale * self.layer(x) if x.sum() > 0 else self.layer(x)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (perceptron(5, 7, 3), (5,)),
        (BnNet(1, 3), (1, 6, 6)),
        (Strided(), (2, 9, 9)),
        (Shared(), (4,)),
        (Grouped(), (2, 5, 5)),
        (Attending(), (3, 4)),
        (Deciding(), (4,)),
    ],
)
def test_closed_forms_equal_a_loop_over_rows(net, shape, power):
    torch.manual_seed(1)
    net = net.double()
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.normal_()
    x, labels = torch.randn(7, *shape).double(), torch.randint(0, 3, (7,))
    fast = row_gradients(net, x, list(torch.arange(7).split(3)), cross_entropy(labels), power)
    loop = batch_gradients(net, x, singles(7), cross_entropy(labels), power)
    assert list(fast) == [name for name, _ in net.named_parameters()]
    for name in loop:
        torch.testing.assert_close(fast[name], loop[name], rtol=1e-10, atol=1e-14)


def test_the_network_is_left_alone_and_frozen_parameters_count_too():
    net = BnNet(1, 3).train()
    net.conv1.weight.requires_grad_(False)
    before = BnNet(1, 3)
    before.load_state_dict(net.state_dict())
    x, labels = torch.randn(6, 1, 6, 6), torch.randint(0, 3, (6,))
    found = batch_gradients(net, x, [torch.arange(6)], cross_entropy(labels))
    row_gradients(net, x, [torch.arange(6)], cross_entropy(labels))
    assert same_state(net, before)
    assert net.training
    assert not net.conv1.weight.requires_grad
    assert not any(p.grad is not None for p in net.parameters())
    assert found["conv1.weight"].any()


def test_a_parameter_without_influence_has_importance_zero():
    class Idle(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.idle = nn.Linear(2, 2), nn.Linear(2, 2)

        def forward(self, x):
            return self.used(x)

    x, loss = torch.randn(4, 2), cross_entropy(torch.tensor([0, 1, 0, 1]))
    for found in (batch_gradients, row_gradients):
        assert not found(Idle(), x, [torch.arange(4)], loss)["idle.weight"].any()


def test_channels_last_weights_give_the_same_importances():
    torch.manual_seed(0)
    net = BnNet(2, 3)
    other = BnNet(2, 3)
    other.load_state_dict(net.state_dict())
    other.to(memory_format=torch.channels_last)
    x, loss = torch.randn(6, 2, 6, 6), cross_entropy(torch.randint(0, 3, (6,)))
    one, two = (batch_gradients(m, x, [torch.arange(6)], loss) for m in (net, other))
    assert all(torch.equal(one[name], two[name]) for name in one)
