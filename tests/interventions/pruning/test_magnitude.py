import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.support import blobs, forgetting, model_of, perceptron, same_state, small_resnet
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model, load_state, read_model, write_model
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.interventions.pruning.magnitude import Params, intervene
from neurosieve.interventions.unlearning import finetune
from neurosieve.models.masked import maskable

IMAGES = blobs(60, 3, (1, 11, 11))
ROWS = Data.of(blobs(30, 3))


def prune(model, data=ROWS, **params):
    log = Log()
    return intervene(model, data, Params(**params), log), log


def zeros(system):
    weights = list(maskable(system).values())
    return sum(int((w == 0).sum()) for w in weights), sum(w.numel() for w in weights)


def test_prunes_the_smallest_over_all_layers_exactly():
    net = perceptron(4, 6, 3)
    result, log = prune(model_of(net, (4,), 3), sparsity=0.5)
    magnitudes = torch.cat([w.detach().abs().flatten() for w in maskable(net).values()])
    kept = torch.cat([m.flatten() for m in result.role("mask").values()])
    assert kept.sum() == 21
    assert magnitudes[kept].min() > magnitudes[~kept].max()
    assert [row["layer"] for row in log.history] == ["0.weight", "2.weight"]
    assert sum(row["pruned"] for row in log.history) == 21
    assert torch.equal(result.system[0].bias, net[0].bias)
    assert zeros(net)[0] == 0


def test_ties_are_exact_and_stable():
    net = nn.Linear(5, 2, bias=False)
    nn.init.constant_(net.weight, -0.5)
    result, _ = prune(model_of(net, (5,), 2), blobs_data(5), sparsity=0.7)
    assert result.role("mask")["weight"].flatten().tolist() == [False] * 7 + [True] * 3


def blobs_data(width):
    return Data.of(blobs(30, 2, (width,)))


def test_zeros_survive_training_on_disk_and_pruning_again(tmp_path):
    first, _ = prune(small_resnet(width=2), Data.of(IMAGES), sparsity=0.9, keep_per_layer=1)
    count, total = zeros(first.system)
    assert count == round(0.9 * total)
    settings = finetune.Params(epochs=2, batch=8, momentum=0.9, weight_decay=1e-2)
    tuned = finetune.intervene(first, forgetting(IMAGES, [0, 1]), settings, 0, Log())
    assert not same_state(tuned.system, first.system)
    assert zeros(tuned.system)[0] == count
    write_model(tmp_path, tuned)
    loaded = read_model(tmp_path, lambda key: tmp_path)
    assert same_state(loaded.system, tuned.system)
    assert loaded.role("mask")["head.weight"].dtype == torch.bool
    second, _ = prune(loaded, Data.of(IMAGES), sparsity=0.95, keep_per_layer=1)
    assert zeros(second.system)[0] == round(0.95 * total)
    for name, mask in first.role("mask").items():
        assert not second.role("mask")[name][~mask].any()


def test_less_than_is_pruned_already_is_refused():
    first, _ = prune(model_of(perceptron(4, 6, 3), (4,), 3), sparsity=0.5)
    with pytest.raises(UserError, match=r"0\.5000 of the weights are pruned already, more than the sparsity 0\.3"):
        prune(first, sparsity=0.3)


def test_an_empty_layer_is_named_and_constant_outputs_are_flagged():
    net = perceptron(4, 6, 3)
    with torch.no_grad():
        net[2].weight *= 1e-3
    with pytest.warns(UserWarning, match="left 1 layers without a weight: 2.weight; the network's output no longer"):
        result, _ = prune(model_of(net, (4,), 3), sparsity=0.5)
    assert result.notes["mask"] == {"sparsity": 0.5, "layers_empty": ["2.weight"], "constant_outputs": True}


def test_99_percent_of_the_default_network_empties_layers_and_says_so():
    from neurosieve.evaluation import classification, cost

    images = blobs(120, 100, (1, 16, 16), test=100)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_model("vision.resnet9", {}, {"input_shape": [1, 16, 16], "classes": 100})
        for weight in list(maskable(model.system).values())[:2]:
            weight.data *= 1e-3
    with pytest.warns(UserWarning, match=r"pruning to 99% left \d+ layers without a weight: features\.0\.0\.weight"):
        result, _ = prune(model, Data.of(images), sparsity=0.99)
    empty = cost.counts(result, images.info)["layers_empty"]
    assert empty == len(result.notes["mask"]["layers_empty"]) >= 1
    rows = classification.evaluate(View(Data.of(images), result), classification.Params())
    flagged = rows.filter(rows["metric"] == "constant_output")["value"]
    assert flagged.to_list() == [1.0]
    floor, _ = prune(model, Data.of(images), sparsity=0.99, keep_per_layer=8)
    assert cost.counts(floor, images.info)["layers_empty"] == 0
    assert zeros(floor.system)[0] == zeros(result.system)[0]


def test_a_floor_per_layer():
    net = perceptron(4, 6, 3)
    with torch.no_grad():
        net[2].weight *= 1e-3
    result, _ = prune(model_of(net, (4,), 3), sparsity=0.8, keep_per_layer=3)
    assert result.role("mask")["2.weight"].sum() == 3
    assert sum(int(m.sum()) for m in result.role("mask").values()) == 42 - 34
    largest = net[2].weight.detach().abs().flatten().topk(3).indices
    assert result.role("mask")["2.weight"].flatten()[largest].all()
    with pytest.raises(UserError, match="contradict each other"):
        prune(model_of(net, (4,), 3), sparsity=0.9, keep_per_layer=3)


def test_channels_last_gives_the_same_masks():
    one, two = small_resnet(width=2), small_resnet(width=2)
    two.system.to(memory_format=torch.channels_last)
    a, b = (prune(m, Data.of(IMAGES), sparsity=0.8)[0] for m in (one, two))
    assert all(torch.equal(a.role("mask")[n], b.role("mask")[n]) for n in a.role("mask"))
    load_state(a.system, b.system.state_dict(), "other")
    assert np.isclose(zeros(a.system)[0] / zeros(a.system)[1], 0.8, atol=1e-3)


def test_nothing_pruned_at_zero():
    result, _ = prune(model_of(perceptron(4, 6, 3), (4,), 3), sparsity=0.0)
    assert all(m.all() for m in result.role("mask").values())


@pytest.mark.parametrize("bad", [{"sparsity": 1.0}, {"sparsity": -0.1}, {"keep_per_layer": -1}, {"density": 0.1}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        Params(**bad)
