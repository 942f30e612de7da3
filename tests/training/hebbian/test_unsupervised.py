import numpy as np
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.patterns import spins
from neurosieve.errors import UserError
from neurosieve.training.hebbian.unsupervised import Params, train


def trained(params, **data):
    made = Data.of(spins.prepare(spins.Params(spins=30, archetypes=3, quality=0.8, **data), 3))
    model = build_model("associative.factor", {"order": 4}, {"input_shape": [30]})
    return train(model, made, params, Log()).system, made.train


def test_every_example_is_a_column_and_energies_are_means_over_them():
    system, rows = trained(Params(examples=4), examples=6, form="examples")
    chosen = rows.x.reshape(3, 6, 30)[:, :4].reshape(-1, 30)
    np.testing.assert_array_equal(system["E"].T, chosen)
    assert system["classes"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    state = rows.x[:1].astype(float)
    wanted = -30 / 4 * ((chosen @ state[0] / 30) ** 4).reshape(3, 4).mean(axis=1).sum()
    assert system.energies(state)[0] == pytest.approx(wanted)


def test_sums_and_too_few_examples_are_refused():
    with pytest.raises(UserError, match="form: examples"):
        trained(Params(), examples=6)
    with pytest.raises(UserError, match="7 examples are asked for, but class 0 has 6"):
        trained(Params(examples=7), examples=6, form="examples")
