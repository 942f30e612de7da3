import numpy as np
import pytest
import torch
from tests.support import biased_resnet, blobs, dataset_of, forgetting, golden, model_of, part, small_resnet
from torch import nn

from neurosieve.artifacts.log import Log
from neurosieve.interventions.unlearning import finetune_last_k, retrain_last_k
from neurosieve.models.last_layers import cut, freeze
from neurosieve.optim import last_layers
from neurosieve.optim.last_layers import last_layers_trained
from neurosieve.optim.loop import Recipe, generator
from neurosieve.optim.schedules import warmup_shifted

DATA = forgetting(blobs(60, 3, (1, 11, 11)), np.arange(0, 60, 7))
NAMES = {"conv1": "features.0", "conv2": "features.1", "res1.module": "features.2.branch", "conv3.0": "features.3",
         "res2.module": "features.5.branch", "conv4.0": "features.6", "fc": "head"}  # fmt: skip
"""Names of the benchmark's blocks -> ours."""


def renamed(state):
    """A state of the benchmark's network under our names."""
    old = {name: next(one for one in NAMES if name.startswith(one + ".")) for name in state}
    return {NAMES[block] + name[len(block) :]: state[name] for name, block in old.items()}


@pytest.mark.parametrize("held", [0, 2**20])
def test_cf_4_as_the_authors_code(held, monkeypatch):
    """Their ten steps (budget 9 and one); two more at rate 0 move no weight, only the running statistics."""
    monkeypatch.setattr(last_layers, "HELD", held)
    g = golden("corrective-unlearning", "cf-4-run")
    original, expected = renamed(part(g, "in.original.")), renamed(part(g, "out.theta."))
    net = biased_resnet(2, 3).double()
    net.load_state_dict(original)
    x, order = g["in.x"].astype(np.float64), torch.from_numpy(g["in.order"].astype(np.int64))
    rate, ratios = warmup_shifted(0), []

    def schedule(step, _total):
        ratios.append(rate(step, 9) if step < 10 else 0.0)
        return ratios[-1]

    recipe, log = Recipe(3, 8, 0.025, "sgd", 0.9, 5e-4, schedule), Log()
    rows = dataset_of({"train": (x, g["in.y"])}).split("train")
    result = last_layers_trained(model_of(net, (1, 12, 12), 3), rows, 4, recipe, list(order), log)
    np.testing.assert_allclose(0.025 * np.array(ratios[:10]), g["out.lr"], atol=1e-15)
    losses = [row["loss"] for row in log.history[:2]]
    np.testing.assert_allclose(losses, [g["out.loss"][:4].mean(), g["out.loss"][4:8].mean()], atol=1e-10)

    theirs = biased_resnet(2, 3).double().train()
    theirs.load_state_dict({**original, **expected})
    freeze(cut(theirs, 4)[0])
    for batch in order[2].split(8)[2:]:
        theirs(torch.from_numpy(x)[batch])
    for (name, found), wanted in zip(result.system.state_dict().items(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10, msg=name)


@pytest.mark.parametrize("component", [finetune_last_k, retrain_last_k])
def test_what_is_frozen_stays_bit_by_bit(component):
    model = small_resnet()
    result = component.intervene(model, DATA, component.Params(k=2, epochs=2, batch=16), 0, Log())
    (old, old_last), (new, new_last) = (cut(m.system, 2) for m in (model, result))
    for one, two in zip(old, new, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert not torch.equal(old_last[-1].weight, new_last[-1].weight)
    assert all(p.requires_grad for p in result.system.parameters())


def test_pruned_weights_stay_pruned():
    model = small_resnet()
    masks = {"features.0.0.weight": torch.rand(1, 1, 3, 3) > 0.5, "head.weight": torch.rand(3, 2) > 0.5}
    model = model.add_role("mask", masks, {})
    result = finetune_last_k.intervene(model, DATA, finetune_last_k.Params(k=2, epochs=1, batch=16), 0, Log())
    assert not result.system.head.weight[~masks["head.weight"]].any()


class Crossed(nn.Module):
    """The head reads the inputs too, so that the first layer's outputs cannot stand in for them."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(torch.relu(self.first(x)) + x)


def test_a_network_that_goes_round_the_cut_is_trained_all_the_same():
    model = model_of(Crossed(), (4,), 3)
    rows = blobs(60, 3).split("train")
    kept = model.system.first.weight.clone()
    log = Log()
    result = last_layers_trained(model, rows, 1, Recipe(5, 16, 0.1), generator(0, "test"), log)
    assert torch.equal(result.system.first.weight, kept)
    with torch.no_grad():
        assert (result.system(rows.tensor()).argmax(1).numpy() == rows.y).mean() > 0.8
