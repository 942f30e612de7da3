import copy

import numpy as np
import pytest
import torch
from tests.support import (
    blobs,
    forgetting,
    forgetting_class,
    golden,
    loaded,
    part,
    same_state,
    small_resnet,
)
from torch import nn

from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.unlearning.fisher import Params, fisher_information, intervene, noise_of

IMAGES = blobs(60, 3, (1, 11, 11))


class GoldenNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.fc1, self.fc = nn.Linear(16, 5), nn.Linear(5, 4)

    def forward(self, x):
        x = torch.relu(self.bn(self.conv(x))).flatten(1)
        return self.fc(torch.relu(self.fc1(x)))


@pytest.fixture
def case():
    g = golden("ssd", "fisher-forgetting-random")
    net = loaded(GoldenNet(), part(g, "in.theta."), torch.float64)
    return g, net, fisher_information(net, torch.from_numpy(g["in.x_retain"]), 4)


def test_golden_information(case):
    g, _, found = case
    for name, expected in part(g, "out.fisher.").items():
        torch.testing.assert_close(found[name], expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize(("preset", "prefix"), [("official", "out."), ("ours", "out.spec_")])
def test_golden_noise(case, preset, prefix):
    g, net, found = case
    means, deviations = noise_of(net, found, 4, None, 1e-6, preset)
    draws = part(g, "in.noise.")
    for name in means:
        torch.testing.assert_close(deviations[name], part(g, f"{prefix}std.")[name], rtol=1e-8, atol=0)
        theta = means[name] + deviations[name] * draws[name]
        torch.testing.assert_close(theta, part(g, f"{prefix}theta.")[name], rtol=1e-9, atol=1e-12)
        assert torch.equal(means[name], part(g, "out.mean.")[name])


@pytest.mark.parametrize(
    ("preset", "row_variance", "conv_row_is_last"), [("ours", 1e-4, False), ("official", 1e-3, True)]
)
def test_a_whole_class_loses_its_row_of_the_last_layer(case, preset, row_variance, conv_row_is_last):
    _, net, found = case
    means, deviations = noise_of(net, found, 4, 2, 1e-6, preset)
    for name in ("fc.weight", "fc.bias"):
        assert not means[name][2].any()
        torch.testing.assert_close(deviations[name][2] ** 2, torch.full_like(deviations[name][2], row_variance))
        assert torch.equal(means[name][1], net.get_parameter(name)[1])
    assert bool((means["conv.weight"][2] == 0).all()) == conv_row_is_last


def test_noise_is_seeded_and_pruned_weights_stay_pruned():
    data, model, log = forgetting_class(IMAGES, 1), small_resnet(), Log()
    before = copy.deepcopy(model.system)
    mask = torch.rand(model.system.head.weight.shape) > 0.5
    pruned = model.add_role("mask", {"head.weight": mask})
    one, two, three = (intervene(pruned, data, Params(rows=20), s, log).system for s in (0, 0, 1))
    assert same_state(one, two)
    assert not same_state(one, three)
    assert not one.head.weight[~mask].any()
    assert same_state(model.system, before)
    assert log.history[0]["largest_deviation"] >= log.history[0]["mean_deviation"] > 0


def test_random_forgetting_keeps_every_mean():
    data, model = forgetting(IMAGES, np.arange(10)), small_resnet()
    result = intervene(model, data, Params(rows=20, scale=1e-20), 0, Log())
    for a, b in zip(model.system.parameters(), result.system.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_no_forget_rows():
    with pytest.raises(UserError, match="forget set is empty"):
        intervene(small_resnet(), forgetting(IMAGES, np.array([], int)), Params(), 0, Log())
