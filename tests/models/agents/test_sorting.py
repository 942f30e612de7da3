import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import Model
from neurosieve.datasets.patterns import arrays
from neurosieve.errors import UserError
from neurosieve.interventions.adaptation import reverse_goal
from neurosieve.interventions.pruning import freeze_cells
from neurosieve.kernels.sorting import BUBBLE, INSERTION, SELECTION
from neurosieve.models.agents.sorting import Params, build


def model(**params):
    return Model(build(Params(**params), {}), "agents.sorting", params, {})


@pytest.fixture(scope="module")
def data():
    return Data.of(arrays.prepare(arrays.Params(cells=10, runs=2, levels=5), 0))


def test_pairs_are_named_as_the_paper_names_them():
    assert build(Params(mixed=True), {})["pairs"].tolist() == [
        [BUBBLE, INSERTION],
        [BUBBLE, SELECTION],
        [SELECTION, INSERTION],
    ]
    assert build(Params(), {})["pairs"].shape == (0, 2)


def test_damage_and_goals_are_part_of_the_model(data):
    before = model(mixed=True)
    damaged = freeze_cells.intervene(before, data, freeze_cells.Params(cells=(0, 4), kinds=("immovable",)))
    assert (damaged.system["frozen"].tolist(), damaged.system["movable"].tolist()) == ([0, 4], [0])
    turned = reverse_goal.intervene(damaged, reverse_goal.Params())
    assert (turned.system["down"].tolist(), turned.system["frozen"].tolist()) == ([0, 1], [0, 4])
    assert (before.system["frozen"].tolist(), before.system["down"].tolist()) == ([0], [0, 0])


def test_more_frozen_cells_than_cells_names_both(data):
    with pytest.raises(UserError, match=r"cells: \[0, 11\], but an array has 10 cells"):
        freeze_cells.intervene(model(), data, freeze_cells.Params(cells=(0, 11)))


@pytest.mark.parametrize(
    "wrong", [{"policies": ["quick"]}, {"schedule": "often"}, {"mixed": True, "policies": ["bubble"]}, {"policies": []}]
)
def test_unknown_policies_and_schedules_are_refused(wrong):
    with pytest.raises(ValidationError):
        Params(**wrong)
    with pytest.raises(ValidationError, match="controller"):
        Params(view="controller", mixed=True)


@pytest.mark.parametrize("view", ["cell", "controller"])
def test_both_views_sort(view):
    values = np.random.default_rng(0).permutation(15)
    none = np.zeros_like(values)
    for policy in (BUBBLE, INSERTION, SELECTION):
        errors, alike, cells, reads = model(view=view).system.run(
            values, none + policy, none, none, none, True, np.random.default_rng(1)
        )
        assert values[cells].tolist() == list(range(15))
        assert len(errors) == len(alike)
        assert (errors[-1], alike[-1]) == (0, 14)
        assert reads > len(errors)
