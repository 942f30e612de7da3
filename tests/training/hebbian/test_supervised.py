import numpy as np
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model, read_model, write_model
from neurosieve.datasets.patterns import spins
from neurosieve.errors import UserError
from neurosieve.training.hebbian.supervised import Params, train


def trained(params=None, **data):
    made = Data.of(spins.prepare(spins.Params(**data), 3))
    model = build_model("associative.factor", {"order": 4}, {"input_shape": [data["spins"]]})
    return train(model, made, params or Params(), log := Log()), made, log


def test_couplings_are_example_means_from_sums_or_from_single_rows():
    whole, data, log = trained(spins=40, archetypes=5, quality=0.6, examples=7)
    np.testing.assert_allclose(whole.system["E"], data.train.x.T / 7, rtol=1e-6)
    assert log.timings["train_seconds"] >= 0
    single, data, _ = trained(spins=40, archetypes=5, quality=0.6, examples=7, form="examples")
    np.testing.assert_allclose(single.system["E"], data.train.x.reshape(5, 7, 40).mean(axis=1).T, rtol=1e-6)
    np.testing.assert_array_equal(single.system["classes"], np.arange(5))


def test_it_is_stored_and_read_back(tmp_path):
    model, _, _ = trained(spins=20, archetypes=3)
    write_model(tmp_path, model)
    again = read_model(tmp_path, lambda key: tmp_path)
    for name, value in model.system.state_dict().items():
        np.testing.assert_array_equal(again.system[name], value)


def test_sums_cannot_be_divided_further():
    with pytest.raises(UserError, match="leave `examples` out"):
        trained(Params(examples=2), spins=10, archetypes=2, examples=9)
