import copy

import pytest
import torch
from tests.support import BnNet, perceptron, same_state
from torch import nn

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.resume import Keeper
from neurosieve.optim.loop import Hooks, Recipe, fit, generator, warm_up
from neurosieve.optim.losses import supervised
from neurosieve.optim.schedules import warmup_linear

X, Y = torch.randn(33, 1, 6, 6, generator=torch.Generator().manual_seed(1)), torch.arange(33) % 3
RECIPE = Recipe(3, 8, 0.05, weight_decay=1e-2, schedule=warmup_linear(4))


def fitted(seed=0, **more):
    torch.manual_seed(0)
    net = BnNet(1, 3)
    rows = fit(net, (X, Y), supervised, RECIPE, generator(seed, "test"), **more)
    return net, rows


def test_learns_and_reports_every_epoch():
    _, rows = fitted()
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert rows[-1]["lr"] == pytest.approx(0.05 * (1 - 11 / (1.25 * 12)))


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not():
    assert same_state(fitted(0)[0], fitted(0)[0])
    assert not same_state(fitted(0)[0], fitted(1)[0])


def test_purposes_under_one_seed_draw_differently():
    assert generator(3, "a").initial_seed() != generator(3, "b").initial_seed()
    assert generator(3, "a").initial_seed() == generator(3, "a").initial_seed()


def test_equals_plain_torch_step_by_step():
    torch.manual_seed(0)
    net = perceptron(36, 5, 3)
    plain = copy.deepcopy(net)
    order = [torch.randperm(33, generator=torch.Generator().manual_seed(e)) for e in range(2)]
    columns = (X.flatten(1), Y)
    fit(net, columns, supervised, Recipe(2, 11, 0.1, weight_decay=0.01), order)
    optimiser = torch.optim.SGD(plain.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for rows in order:
        for piece in rows.split(11):
            optimiser.zero_grad()
            supervised(plain, columns[0][piece], Y[piece]).backward()
            optimiser.step()
    assert same_state(net, plain)


def test_a_last_batch_of_one_row_joins_the_one_before():
    sizes = []

    def loss(module, x, y):
        sizes.append(len(x))
        return supervised(module, x, y)

    fit(BnNet(1, 3), (X, Y), loss, Recipe(1, 16, 0.01), generator(0, "test"))
    assert sizes == [16, 17]


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_masked_weights_stay_exactly_zero(optimiser):
    torch.manual_seed(0)
    net = BnNet(1, 3)
    masks = {"conv2.weight": torch.rand(5, 4, 3, 3) > 0.9, "fc.weight": torch.rand(3, 5) > 0.5}
    seen = []
    recipe = Recipe(4, 8, 0.05, optimiser, momentum=0.9, weight_decay=1e-2)
    hooks = Hooks(after_step=lambda module, _: seen.append(bool(module.conv2.weight[~masks["conv2.weight"]].any())))
    fit(net, (X, Y), supervised, recipe, generator(0, "test"), masks, hooks)
    assert len(seen) == 16
    assert not any(seen)
    for name, mask in masks.items():
        assert not net.get_parameter(name)[~mask].any()
        assert net.get_parameter(name)[mask].all()


def test_the_network_ends_in_eval_mode_and_contiguous():
    net, _ = fitted()
    assert not net.training
    assert all(p.is_contiguous() for p in net.parameters())


def test_hooks_are_called_in_order():
    calls = []
    hooks = Hooks(
        lambda _, step: calls.append(("before", step)),
        lambda _, step: calls.append(("after", step)),
        lambda _, row: calls.append(("epoch", row["epoch"])),
    )
    fit(perceptron(36, 3), (X.flatten(1), Y), supervised, Recipe(1, 17, 0.1), generator(0, "t"), hooks=hooks)
    assert calls == [("before", 0), ("after", 0), ("before", 1), ("after", 1), ("epoch", 1)]


def test_given_orders_must_be_as_many_as_epochs():
    with pytest.raises(ValueError, match="3 epochs wanted, but only 1"):
        fit(perceptron(36, 3), (X.flatten(1), Y), supervised, Recipe(3, 17, 0.1), [torch.arange(33)])


def test_warm_up_changes_nothing():
    torch.manual_seed(0)
    net = BnNet(1, 3)
    before, state = copy.deepcopy(net), torch.get_rng_state()
    warm_up(net, (X, Y), supervised, RECIPE)
    assert same_state(net, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_three_dimensional_convolutions_train_too():
    net = nn.Sequential(nn.Conv3d(1, 2, 2), nn.Flatten(), nn.Linear(2 * 5 * 5, 3))
    fit(net, (torch.randn(6, 1, 2, 6, 6), Y[:6]), supervised, Recipe(1, 3, 0.01), generator(0, "t"))
    assert not net.training


class Cut(Exception):
    """The process ends here."""


class Dropping(nn.Module):
    """A network that draws from the global generator as it is trained."""

    def __init__(self):
        super().__init__()
        self.inner, self.drop = BnNet(1, 3), nn.Dropout(0.3)

    def forward(self, x):
        return self.drop(self.inner(x))


def long_fit(folder, optimiser="sgd", listed=False, cut=None):
    """Dropout, batch norm, 4-dimensional weights, masks, a schedule, and noise that a hook draws: 15 steps."""
    torch.manual_seed(0)
    net, log = Dropping(), Log(keeper=Keeper(folder, 0.0))
    noise, orders = generator(1, "noise"), generator(2, "order")
    masks = {"inner.conv2.weight": torch.rand(5, 4, 3, 3) > 0.5}

    def before_step(module, step):
        if step == cut:
            raise Cut
        with torch.no_grad():
            module.inner.fc.bias += 0.01 * torch.randn(3, generator=noise)

    hooks = Hooks(before_step, after_epoch=lambda _, row: log.step(**row), state={"noise": noise})
    given = [torch.randperm(33, generator=orders) for _ in range(3)] if listed else orders
    recipe = Recipe(3, 7, 0.05, optimiser, weight_decay=1e-2, schedule=warmup_linear(4))
    rows = fit(net, (X, Y), supervised, recipe, given, masks, hooks, log.resume("fit"))
    drawn = [torch.randn(2), torch.randn(2, generator=noise), torch.randn(2, generator=orders)]
    return net, rows, log.history, torch.stack(drawn)


@pytest.mark.parametrize(("optimiser", "listed"), [("sgd", False), ("adam", False), ("sgd", True)])
def test_ended_at_any_step_and_resumed_gives_the_same_bytes(tmp_path, optimiser, listed):
    net, rows, history, drawn = long_fit(None, optimiser, listed)
    assert rows == history
    for cut in range(15):
        folder = tmp_path / str(cut)
        for once_more in (cut, (cut + 15) // 2):
            with pytest.raises(Cut):
                long_fit(folder, optimiser, listed, once_more)
        again = long_fit(folder, optimiser, listed)
        assert same_state(again[0], net), cut
        assert again[1:3] == (rows, history), cut
        assert torch.equal(again[3], drawn), cut
        finished = long_fit(folder, optimiser, listed, cut=0)
        assert same_state(finished[0], net)
        assert finished[1:3] == (rows, history)


def test_a_fit_to_no_rows_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        fit(BnNet(1, 3), (X[:0], Y[:0]), supervised, RECIPE, generator(0, "test"))
