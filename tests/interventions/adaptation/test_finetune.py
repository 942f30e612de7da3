import pytest
import torch
from pydantic import ValidationError
from tests.support import blobs, forgetting_class, same_state, small_resnet

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import read_model, write_model
from neurosieve.interventions.adaptation import finetune
from neurosieve.interventions.adaptation.finetune import Params, intervene
from neurosieve.interventions.pruning import magnitude
from neurosieve.models.masked import maskable
from neurosieve.training.supervised import backprop

IMAGES = Data.of(blobs(90, 3, (1, 11, 11)))


def accuracy(model):
    with torch.no_grad():
        return float((model.system(IMAGES.train.tensor()).argmax(1).numpy() == IMAGES.train.y).mean())


@pytest.fixture(scope="module")
def pruned():
    trained = backprop.train(small_resnet(width=2), IMAGES, backprop.Params(epochs=12, batch=16), 0, Log())
    return magnitude.intervene(trained, IMAGES, magnitude.Params(sparsity=0.9, keep_per_layer=1), Log())


def test_it_restores_what_pruning_cost_and_keeps_every_zero(pruned, tmp_path):
    log = Log()
    tuned = intervene(pruned, IMAGES, Params(epochs=8, batch=16, momentum=0.9, weight_decay=1e-2), 0, log)
    assert accuracy(tuned) > accuracy(pruned) + 0.2
    write_model(tmp_path, tuned)
    again = magnitude.intervene(
        read_model(tmp_path, lambda key: tmp_path), IMAGES, magnitude.Params(sparsity=0.95, keep_per_layer=1), Log()
    )
    weights = [tuned, again]
    for model, share in zip(weights, (0.9, 0.95), strict=True):
        values = torch.cat([w.detach().flatten() for w in maskable(model.system).values()])
        assert int((values == 0).sum()) == round(share * len(values))
    assert tuned.role("mask").keys() == pruned.role("mask").keys()
    assert [row["epoch"] for row in log.history] == list(range(1, 9))
    assert log.history[-1]["lr"] < log.history[0]["lr"] < 0.02


def test_its_seconds_are_those_of_a_training(pruned):
    log = Log()
    intervene(pruned, IMAGES, Params(epochs=1), 0, log)
    assert log.timings.keys() == {"train_seconds"}


def test_all_rows_are_read_and_no_selection_is_needed(pruned):
    assert not hasattr(finetune, "VIEWS")
    chosen = forgetting_class(blobs(90, 3, (1, 11, 11)), 1)
    one, two = (intervene(pruned, data, Params(epochs=1), 0, Log()) for data in (IMAGES, chosen))
    assert same_state(one.system, two.system)


def test_seeded(pruned):
    before = {name: value.clone() for name, value in pruned.system.state_dict().items()}
    one, two, three = (intervene(pruned, IMAGES, Params(epochs=1, batch=16), s, Log()).system for s in (1, 1, 2))
    assert same_state(one, two)
    assert not same_state(one, three)
    assert all(torch.equal(value, before[name]) for name, value in pruned.system.state_dict().items())


@pytest.mark.parametrize("bad", [{"epochs": 0}, {"lr": 0}, {"stretch": 0.5}, {"momentum": 1.0}, {"rows": "retain"}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        Params(**bad)
