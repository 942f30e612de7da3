import numpy as np
import pytest

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.errors import UserError
from neurosieve.interventions.adaptation.coupling_noise import Params, intervene
from neurosieve.models.associative.hebbian import supervised


def test_noise_has_the_size_asked_for_and_follows_the_seed():
    model = build_model("associative.factor", {}, {"input_shape": [200]})
    means = 3 * np.random.default_rng(0).normal(size=(200, 50))
    model = model.with_(system=supervised(model.system, means, np.arange(50), centre=False))
    made = [intervene(model, Params(sd=0.5), seed, Log()).system["E"] for seed in (11, 11, 12)]
    assert (made[0] - model.system["E"]).std() == pytest.approx(1.5, rel=0.05)
    np.testing.assert_array_equal(made[0], made[1])
    assert (made[0] != made[2]).any()
    np.testing.assert_array_equal(intervene(model, Params(sd=0), 11, Log()).system["E"], model.system["E"])


def test_other_models_are_refused():
    with pytest.raises(UserError, match=r"associative\.factor"):
        intervene(Model(object(), "toy", {}, {}), Params(), 11, Log())
