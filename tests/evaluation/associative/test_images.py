import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.artifacts.view import View
from neurosieve.datasets.images import digits8
from neurosieve.errors import UserError
from neurosieve.evaluation.associative.images import Params, evaluate
from neurosieve.training.hebbian import supervised


@pytest.fixture(scope="module")
def view():
    data = Data.of(digits8.prepare(digits8.Params(scaling="spins", train=60, test=20), 3))
    model = build_model("associative.factor", {"order": 4}, {"input_shape": [1, 8, 8]})
    return View(data, supervised.train(model, data, supervised.Params(centre=True), Log()))


def test_dense_beats_pairs_and_plain_rules_beat_both(view, values):
    dense = values(evaluate(view, Params(examples=(50,), rows=200), 11), "accuracy")
    assert list(dense) == ["M=50,P=2", "M=50,P=4", "M=50,P=8"]
    assert dense["M=50,P=2"] < dense["M=50,P=4"]
    for rule in ("nearest_mean", "nearest_neighbour"):
        assert values(evaluate(view, Params(examples=(50,), rule=rule), 11), "accuracy")["M=50"] > dense["M=50,P=4"]


def test_items_are_one_answer_per_test_image_and_average_to_the_accuracy(view):
    frame = evaluate(view, Params(examples=(5,), orders=(4,), rows=30), 11)
    items = frame.filter(pl.col("item").is_not_null())
    assert items["item"].to_list() == list(view.data.test.ids[:30])
    assert items["value"].mean() == frame.filter(pl.col("item").is_null())["value"][0]


@pytest.mark.parametrize("rule", ["unsupervised", "modern"])
def test_other_memories_answer_better_than_chance(view, values, rule):
    found = values(evaluate(view, Params(examples=(5,), orders=(4,), rule=rule, rows=100), 11), "accuracy")
    assert min(found.values()) > 0.25


def test_nearest_rules_are_those_of_scikit_learn(view, values):
    from sklearn.neighbors import KNeighborsClassifier

    system, train, test = view.model.system, view.data.train, view.data.test
    rows = np.sort(np.concatenate([np.flatnonzero(train.y == label)[:10] for label in range(10)]))
    near = KNeighborsClassifier(1).fit(system.spins(train.x[rows]), train.y[rows])
    found = values(evaluate(view, Params(examples=(10,), rule="nearest_neighbour"), 11), "accuracy")["M=10"]
    assert found == pytest.approx(near.score(system.spins(test.x), test.y), abs=0.03)  # ties fall otherwise


def test_too_few_images_are_refused(view):
    with pytest.raises(UserError, match="100 examples are asked for, but class 0 has 60"):
        evaluate(view, Params(examples=(100,)), 11)
