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
    perceptron,
    same_state,
    small_resnet,
)

from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.unlearning.amnesiac import Params, intervene, wrong_labels
from neurosieve.optim.loop import Recipe, fit
from neurosieve.optim.losses import supervised

IMAGES = blobs(60, 3, (1, 11, 11))


@pytest.mark.parametrize("setting", ["full", "sub", "random"])
def test_golden_recipe(setting):
    g = part(golden("ssd", "amnesiac"), f"{setting}.")
    flag = g["in.forget"].bool()
    labels = wrong_labels(g["in.y"][flag], iter(g["in.draws"].tolist()))
    assert torch.equal(labels, g["out.forget_labels"])
    state = {name[len("in.theta.") :]: v for name, v in g.items() if name.startswith("in.theta.")}
    net = loaded(perceptron(4, 6, 5), state, torch.float64)
    columns = [torch.cat([g["in.x"][flag], g["in.x"][~flag]]), torch.cat([labels, g["in.y"][~flag]])]
    fit(net, columns, supervised, Recipe(3, 128, 1e-4, "adam"), [order.long() for order in g["in.order"]])
    for name, p in net.named_parameters():
        torch.testing.assert_close(p.detach(), g[f"out.theta.{name}"], rtol=1e-10, atol=1e-10)


def test_labels_are_wrong_and_uniform():
    draw = np.random.default_rng(0)
    labels = torch.from_numpy(draw.integers(0, 4, 4000))
    new = wrong_labels(labels, iter(draw.integers(0, 4, 20000).tolist()))
    assert (new != labels).all()
    counts = torch.bincount(new[labels == 2], minlength=4)
    assert counts[2] == 0
    assert (counts[[0, 1, 3]].float() / counts.sum() - 1 / 3).abs().max() < 0.06


def test_forgets_and_is_seeded():
    data, log, model = forgetting_class(IMAGES, 1), Log(), small_resnet(width=2)
    before = copy.deepcopy(model.system)
    settings = Params(epochs=8, batch=16, lr=1e-2)
    result = intervene(model, data, settings, 0, log)
    with torch.no_grad():
        said = result.system(data.forget.tensor()).argmax(1)
    assert (said == 1).float().mean() < 0.1
    assert len(log.history) == 8
    assert log.timings["intervention_seconds"] > 0
    assert same_state(model.system, before)
    assert same_state(result.system, intervene(model, data, settings, 0, Log()).system)
    assert not same_state(result.system, intervene(model, data, settings, 1, Log()).system)


def test_no_forget_rows():
    with pytest.raises(UserError, match="forget set is empty"):
        intervene(small_resnet(), forgetting(IMAGES, np.array([], int)), Params(), 0, Log())
