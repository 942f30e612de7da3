import numpy as np
import pytest

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.errors import UserError
from neurosieve.interventions.pruning.dilute import Params, intervene
from neurosieve.models.associative.hebbian import supervised


@pytest.fixture
def model():
    model = build_model("associative.factor", {}, {"input_shape": [20]})
    means = np.random.default_rng(0).normal(size=(20, 7))
    return model.with_(system=supervised(model.system, means, np.arange(7), centre=False))


def test_a_share_of_the_entries_goes_and_the_others_stay(model):
    log = Log()
    made = intervene(model, Params(sparsity=0.3), 11, log)
    before, after = model.system["E"], made.system["E"]
    assert (after == 0).sum() == 42
    np.testing.assert_array_equal(after[after != 0], before[after != 0])
    np.testing.assert_array_equal(made.role("mask")["E"], after != 0)
    assert log.history == [{"layer": "E", "elements": 140, "pruned": 42, "kept": 98}]
    assert (intervene(model, Params(sparsity=0.3), 12, Log()).system["E"] != after).any()


def test_the_smallest_go_first(model):
    after = intervene(model, Params(sparsity=0.5, which="smallest"), 11, Log()).system["E"]
    before = np.abs(model.system["E"])
    assert before[after == 0].max() <= before[after != 0].min()


def test_other_models_are_refused():
    with pytest.raises(UserError, match=r"associative\.factor"):
        intervene(Model(object(), "toy", {}, {}), Params(), 11, Log())
