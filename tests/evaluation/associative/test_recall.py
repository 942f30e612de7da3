import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.artifacts.view import View
from neurosieve.datasets.patterns import spins
from neurosieve.errors import UserError
from neurosieve.evaluation.associative.recall import Params, evaluate
from neurosieve.export import _recall
from neurosieve.training.hebbian import supervised


@pytest.fixture(scope="module")
def view():
    made = spins.prepare(spins.Params(spins=80, archetypes=6, quality=0.7, examples=20, form="examples", test=5), 3)
    rows = {name: np.flatnonzero(split.y == 2) for name, split in made.splits.items()}
    data = Data.of(made, Selection(rows, "label = 2"))
    model = build_model("associative.factor", {"order": 4}, {"input_shape": [80]})
    return View(data, supervised.train(model, data, supervised.Params(), Log()))


def read(frame):
    return {(row["metric"], row["split"]): row["value"] for row in frame.iter_rows(named=True)}


def test_fresh_examples_are_recalled_on_every_split(view):
    found = read(evaluate(view, Params(), 11))
    assert {split for _, split in found} == {"test", "forget", "retain"}
    assert found["accuracy", "test"] > 0.9
    mixed = (5 * found["accuracy", "forget"] + 25 * found["accuracy", "retain"]) / 30
    assert found["accuracy", "test"] == pytest.approx(mixed)
    assert found["hamiltonian", "test"] < 0


def test_a_target_is_judged_by_the_overlaps_it_gives(view):
    target = View(view.data, view.model, "onnx-recall", _recall.native(view.model.system))
    found = read(evaluate(target, Params(), 11))
    assert found["accuracy", "test"] > 0.9
    assert ("hamiltonian", "test") not in found


def test_other_models_are_refused(view):
    with pytest.raises(UserError, match=r"models of associative\.factor"):
        evaluate(View(view.data, Model(object(), "toy", {}, {})), Params(), 11)
    assert len(evaluate(view, Params(rows=3), 11).filter(pl.col("split") == "test")) == 3
