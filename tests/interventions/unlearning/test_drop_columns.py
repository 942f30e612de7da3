import numpy as np
import pytest

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.images import digits8
from neurosieve.errors import UserError
from neurosieve.interventions.unlearning.drop_columns import Params, intervene
from neurosieve.training.hebbian import supervised


def setting(rows_of):
    made = digits8.prepare(digits8.Params(scaling="spins", train=30, test=5), 3)
    rows = {"train": np.flatnonzero(rows_of(made.split("train").y))}
    return Data.of(made, Selection(rows, "some"))


def fitted(data, **params):
    model = build_model("associative.factor", {"order": 4}, {"input_shape": [1, 8, 8]})
    return supervised.train(model, data, supervised.Params(**params), Log())


@pytest.mark.parametrize("centre", [True, False])
def test_it_is_the_memory_that_never_saw_the_class(centre):
    data = setting(lambda labels: np.isin(labels, (3, 7)))
    log = Log()
    found = intervene(fitted(data, centre=centre), data, Params(), log).system
    never = fitted(Data(data.info, {**data.splits, "train": data.retain}), centre=centre).system
    assert found["classes"].tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    for name in ("E", "centre", "norms", "scale"):
        np.testing.assert_allclose(found[name], never[name], atol=2e-5)
    np.testing.assert_array_equal(found["E"] == 0, never["E"] == 0)  # background pixels decide nothing
    assert log.history[0]["pruned"] == 2 * 64


def test_half_a_class_and_every_class_cannot_leave():
    half = setting(lambda labels: (labels == 3) & (np.arange(len(labels)) % 2 == 0))
    with pytest.raises(UserError, match="class 3 has rows to forget and others to retain"):
        intervene(fitted(half), half, Params(), Log())
    data = setting(lambda labels: labels == 3)
    model = fitted(Data(data.info, {**data.splits, "train": data.forget}))
    with pytest.raises(UserError, match="no column would be left"):
        intervene(model, data, Params(), Log())
