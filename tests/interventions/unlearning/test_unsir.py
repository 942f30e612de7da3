import copy

import numpy as np
import pytest
import torch
from tests.support import (
    BnNet,
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

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.images import mnist5k
from neurosieve.errors import UserError
from neurosieve.interventions.unlearning.unsir import (
    Params,
    capped_rows,
    forgotten_class,
    hardest_noise,
    intervene,
    noisy_columns,
)
from neurosieve.training.supervised import backprop

IMAGES = blobs(90, 3, (1, 11, 11))
QUICK = {"images": 8, "noise_steps": 5, "copies": 4, "lr": 1e-2, "impair_batch": 16, "repair_batch": 16}


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_golden_noise(mode):
    g = golden("ssd", "unsir-noise")
    net = loaded(BnNet(3, 3), part(g, "in.theta."), torch.float64)
    noise, steps = hardest_noise(
        net, torch.from_numpy(g["in.noise0"]), int(g["in.forget_class"][0]), 25, 0.1, 0.1, mode == "train"
    )
    for name in ("ce", "penalty", "loss"):
        np.testing.assert_allclose([s[name] for s in steps], g[f"out.{mode}.{name}"], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(noise, g[f"out.{mode}.noise"], rtol=1e-8, atol=1e-8)
    expected = part(g, "out.train.buffer." if mode == "train" else "in.theta.")
    for name, buffer in net.named_buffers():
        torch.testing.assert_close(buffer, expected[name], rtol=1e-8, atol=1e-8)


def test_all_noise_carries_the_forgotten_class():
    noise, kept = torch.randn(4, 1, 2, 2), (torch.zeros(3, 1, 2, 2), torch.tensor([0, 1, 2]))
    x, y = noisy_columns(noise, 7, 5, kept)
    assert y.tolist() == [7] * 20 + [0, 1, 2]
    assert torch.equal(x[4:8], noise)
    assert torch.equal(x[20:], kept[0])


def test_at_most_so_many_rows_of_each_class():
    labels = torch.tensor([0] * 5 + [2] * 3 + [1] * 9)
    rows = capped_rows(labels, 4, torch.Generator().manual_seed(0))
    assert torch.bincount(labels[rows]).tolist() == [4, 4, 3]
    assert len(rows.unique()) == len(rows)


def test_logs_every_phase_and_is_seeded():
    data, log, model = forgetting_class(IMAGES, 1), Log(), small_resnet()
    before = copy.deepcopy(model.system)
    result = intervene(model, data, Params(**QUICK), 0, log)
    assert [row["phase"] for row in log.history] == ["noise", "impair", "repair"]
    assert log.timings["intervention_seconds"] > 0
    assert same_state(model.system, before)
    assert same_state(result.system, intervene(model, data, Params(**QUICK), 0, Log()).system)
    assert not same_state(result.system, intervene(model, data, Params(**QUICK), 1, Log()).system)


@pytest.mark.slow
def test_forgets_the_digit_it_is_told():
    digits = mnist5k.prepare(mnist5k.Params(), 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fresh = build_model("vision.resnet9", {}, {"input_shape": [1, 14, 14], "classes": 10})
    model = backprop.train(fresh, Data.of(digits), backprop.Params(), 0, Log())
    test = digits.split("test")
    for label in (0, 7):
        result = intervene(model, forgetting_class(digits, label), Params(lr=1e-2), 0, Log())
        with torch.no_grad():
            right = result.system(test.tensor()).argmax(1).numpy() == test.y
        assert right[test.y == label].mean() <= 0.1
        assert right[test.y != label].mean() > 0.9


def test_the_official_preset_leaks_the_noise_gradients_into_the_first_step():
    from neurosieve.interventions.unlearning.unsir import _with_leak

    net = nn.Linear(2, 2)
    x, y = torch.randn(4, 2), torch.tensor([0, 1, 0, 1])
    net.weight.grad = torch.full((2, 2), 3.0)
    loss = _with_leak(net)
    plain = nn.functional.cross_entropy(net(x), y)
    expected = torch.autograd.grad(plain, net.weight)[0]
    for extra in (3.0, 0.0):
        value = loss(net, x, y)
        torch.testing.assert_close(value, plain)
        torch.testing.assert_close(torch.autograd.grad(value, net.weight)[0], expected + extra)


def test_presets_differ():
    data, model = forgetting_class(IMAGES, 1), small_resnet()
    ours, official = (intervene(model, data, Params(preset=p, **QUICK), 0, Log()).system for p in ("ours", "official"))
    assert not same_state(ours, official)


def test_undefined_for_random_forgetting():
    with pytest.raises(UserError, match="undefined for random forgetting: the forget rows are of 3 classes"):
        intervene(small_resnet(), forgetting(IMAGES, np.arange(20)), Params(), 0, Log())
    with pytest.raises(UserError, match="forget set is empty"):
        forgotten_class(np.array([], int))
