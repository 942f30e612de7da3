import pytest
from pydantic import ValidationError
from tests.support import blobs, same_state, small_resnet

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.view import View
from neurosieve.training.supervised.backprop import Params, train

IMAGES = blobs(90, 3, (1, 11, 11))
QUICK = {"epochs": 3, "batch": 16, "warmup": 2}


def trained(seed=0, **more):
    log, kept = Log(), {}
    log.save_checkpoint = lambda name, model: kept.update({name: model.system.head.weight.detach().clone()})
    model = train(small_resnet(), Data.of(IMAGES), Params(**QUICK, **more), seed, log)
    return model, log, kept


def test_learns_and_logs():
    model, log, _ = trained()
    assert [row["epoch"] for row in log.history] == [1, 2, 3]
    assert set(log.history[0]) == {"epoch", "loss", "lr"}
    assert log.timings["train_seconds"] > 0
    test = IMAGES.split("test")
    assert (View(Data.of(IMAGES), model).logits(test.x).argmax(1) == test.y).mean() > 0.9
    assert not model.system.training


def test_the_seed_decides_every_byte():
    assert same_state(trained(1)[0].system, trained(1)[0].system)
    assert not same_state(trained(1)[0].system, trained(2)[0].system)


def test_what_the_decay_counts_from():
    shifted = trained(decay="after_warmup")[1].history
    assert [row["lr"] for row in shifted] == pytest.approx([0.05 * (1 - (t - 2) / (1.25 * 18)) for t in (5, 11, 17)])


def test_checkpoints_are_the_model_on_the_way():
    model, _, kept = trained(checkpoints=(1, 3))
    assert list(kept) == ["e1", "e3"]
    assert (kept["e3"] == model.system.head.weight).all()
    assert (kept["e1"] != kept["e3"]).any()


@pytest.mark.parametrize("bad", [{"checkpoints": (4,)}, {"lr": 0}, {"batch": 1}, {"optimiser": "lion"}, {"epoch": 3}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        Params(**{**QUICK, **bad})
