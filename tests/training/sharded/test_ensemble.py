"""Exact forgetting: what is left after a request is what a training without those rows gives, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests import toys
from tests.plan.test_shards import COUNT, IDS, SHARDED, SLICES, members, requested
from tests.support import model_of, perceptron, same_state
from tests.toys import bare, model_node

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Dataset, read_dataset
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.artifacts.requested import read_asked
from neurosieve.artifacts.shards import Shard, place_of
from neurosieve.errors import UserError
from neurosieve.jobs.load import Inputs
from neurosieve.jobs.stages import schema_of
from neurosieve.models.sharded.ensemble import Ensemble
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project
from neurosieve.requests.descent import descent
from neurosieve.training.sharded.ensemble import train
from neurosieve.training.supervised import backprop

GONE = [*IDS[3:6], "validation-0002"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, StudyPlan]:
    """The sharded training before and after a request, and a step after it."""
    root = tmp_path_factory.mktemp("sharded") / "p"
    variants: dict[str, Any] = {
        "sharded": SHARDED,
        "after": {"base": "sharded", "without": [requested(root, GONE)]},
        "pruned": {"from": "after", "prune": {"use": "pruning.magnitude", "sparsity": 0.5}},
    }
    return toys.ran(root, bare(variants, dataset={"use": "toy.points", "rows": 10}, forget=None))


def from_scratch(dataset: Dataset, gone: list[str]) -> list[Model]:
    """Each shard's network, trained on a dataset that never held those rows."""
    arrays = {
        name: {column: split[column][~np.isin(split.ids, gone)] for column in dataset.info.columns}
        for name, split in dataset.splits.items()
    }
    data, found = Data.of(Dataset.from_arrays(dataset.info, arrays)), []
    params = backprop.Params.model_validate({key: v for key, v in SHARDED["train"].items() if key != "use"})
    for index in range(COUNT):
        torch.manual_seed(11)
        model = build_model("toy.linear", {}, schema_of(data.info))
        for piece in range(SLICES):
            model = backprop.train(model, Shard(index, COUNT, piece, SLICES).data(data, 11), params, 11, Log())
        found.append(model)
    return found


@pytest.mark.parametrize(("variant", "gone"), [("sharded", []), ("after", GONE)])
def test_ensemble_is_that_of_a_training_that_never_saw_the_rows(ran, variant: str, gone: list[str]) -> None:
    made, plan = ran
    ensemble = toys.loaded(made, plan, model_node(plan, variant))
    data = plan.nodes[model_node(plan, variant).recipe["inputs"]["data"]]
    dataset = read_dataset(toys.directory(made, data), hidden=True)
    for place, expected in zip(ensemble.system.members, from_scratch(dataset, gone), strict=True):
        assert same_state(place, expected.system)


def test_weights_of_the_shards_that_held_the_rows_changed_and_no_others(ran) -> None:
    made, plan = ran
    held = {place_of(11, one, COUNT, SLICES)[0] for one in GONE if one.startswith("train")}
    assert 0 < len(held) < COUNT
    systems = [toys.loaded(made, plan, model_node(plan, name)).system for name in ("sharded", "after")]
    same = [same_state(*pair) for pair in zip(*(system.members for system in systems), strict=True)]
    assert same == [index not in held for index in range(COUNT)]


def test_the_result_is_an_ordinary_model(ran) -> None:
    made, plan = ran
    pruned = toys.loaded(made, plan, model_node(plan, "pruned"))
    assert pruned.steps == ("training.sharded.ensemble", "interventions.pruning.magnitude")
    weights = [p for name, p in pruned.system.named_parameters() if name.endswith("weight")]
    assert sum(int((p == 0).sum()) for p in weights) == sum(p.numel() for p in weights) // 2


def test_cost_of_a_request_is_that_of_the_shards_it_changed(ran) -> None:
    made, plan = ran
    steps = Inputs(made, plan, plan.nodes[plan.verdict]).steps(model_node(plan, "after").key)
    assert {step.rows for step in steps if step.seconds} == {"all", "retain"}
    whole = Inputs(made, plan, plan.nodes[plan.verdict]).steps(model_node(plan, "sharded").key)
    assert {step.rows for step in whole} == {"all"}
    assert len([step for step in whole if step.seconds]) == COUNT * SLICES


def test_the_store_itself_says_that_it_is_exact(tmp_path: Path) -> None:
    """By person, with declared constants: nothing behind the ensemble read the rows, and the shards say which did."""
    sharded = {**SHARDED, "shards": {"count": COUNT, "by": "subject"}}
    variants = {
        "sharded": sharded,
        "after": {"base": "sharded", "without": [requested(tmp_path, ["Person 001"], "subject")]},
    }
    made, plan = toys.ran(tmp_path, bare(variants, dataset={"use": "toy.people", "people": 40}, forget=None))
    nodes = descent(made, read_asked(tmp_path / "data" / "requests" / "R-1.csv")).nodes
    assert nodes[model_node(plan, "sharded").key].affected
    assert not nodes[model_node(plan, "after").key].affected
    held = place_of(11, "Person 001", COUNT, 1)[0]
    assert [nodes[members(plan, "sharded")[f"{at}.0"].key].affected for at in range(COUNT)] == [
        at == held for at in range(COUNT)
    ]


def test_masks_of_members_come_along() -> None:
    first, second = (model_of(perceptron(2, 3, seed=seed), (2,), 3) for seed in (1, 2))
    masks = {"0.weight": torch.ones(3, 2, dtype=torch.bool)}
    start = model_of(Ensemble([perceptron(2, 3), perceptron(2, 3)], "mean", 3), (2,), 3)
    made = train(start.with_(companions=(first, second.add_role("mask", masks))))
    assert list(made.tensors) == ["mask.members.1.0.weight"]
    assert made.companions == ()
    assert torch.equal(made.system.members[1][0].weight, second.system[0].weight)


def test_what_is_no_ensemble_is_refused() -> None:
    with pytest.raises(UserError, match="give a training `shards:"):
        train(model_of(perceptron(2, 3), (2,), 3))
