"""What a job reads: checked inputs, steps and parents of a model, parameters with their files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests import toys
from tests.toys import model_node

from neurosieve.artifacts.view import Step
from neurosieve.errors import UserError
from neurosieve.jobs.load import Inputs, node_params, verb
from neurosieve.plan.nodes import Node, StudyPlan
from neurosieve.plan.project import Project


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, StudyPlan]:
    return toys.ran(tmp_path_factory.mktemp("load") / "p", toys.study(seeds=[11, 12]))


def evaluation(plan: StudyPlan, variant: str) -> Node:
    (cell,) = [c for c in plan.cells if (c.variant, c.seed, c.target) == (variant, 11, "native")]
    return plan.nodes[cell.metrics[0]]


def test_chain_of_a_model_with_what_lies_beside_it(ran) -> None:
    made, plan = ran
    node = evaluation(plan, "drop-again")
    steps = Inputs(made, plan, node).steps(node.recipe["inputs"]["model"])
    assert [(step.use.split(".")[-1], step.stage, step.rows, step.beside) for step in steps] == [
        ("fit", "train", "all", False),
        ("toy_drop", "intervene", "all", False),
        ("toy_drop", "intervene", "all", False),
        ("toy_count", "intervene", "all", True),
    ]
    assert steps[0].seconds.keys() == {"train_seconds"}
    assert steps[1].seconds.keys() == {"intervention_seconds"}
    assert isinstance(steps[0], Step)


def test_rows_of_a_training_are_told(ran) -> None:
    made, plan = ran
    node = evaluation(plan, "retrained")
    (step,) = Inputs(made, plan, node).steps(node.recipe["inputs"]["model"])
    assert step.rows == "retain"


def test_parents_nearest_first(ran) -> None:
    made, plan = ran
    node = evaluation(plan, "drop-again")
    parents = Inputs(made, plan, node).parents(node.recipe["inputs"]["model"])
    assert parents == [model_node(plan, v).key for v in ("drop", "original")]


def test_data_with_selection_and_withheld_splits(ran) -> None:
    made, plan = ran
    inputs = Inputs(made, plan, model_node(plan, "drop"))
    data = inputs.data(hidden=False, withhold=("test",))
    assert list(data.splits) == ["train", "validation"]
    assert set(data.forget.y) == {1}
    assert "odd" not in data.train
    full = inputs.data(hidden=True)
    assert "test" in full.splits
    assert "odd" in full.train


def test_directory_is_hashed_once(ran, monkeypatch: pytest.MonkeyPatch) -> None:
    made, plan = ran
    checks: list[Path] = []
    check = type(made.store).check
    monkeypatch.setattr(
        type(made.store), "check", lambda s, path, record: checks.append(path) or check(s, path, record)
    )
    inputs = Inputs(made, plan, model_node(plan, "drop"))
    for _ in range(3):
        inputs.dataset(inputs.roles["data"])
    assert len(checks) == 1


def test_verb_gets_what_its_signature_asks_for() -> None:
    component = verb("interventions.unlearning.toy-drop", "intervene", {"far": 2, "lambda": 3})
    assert (component.params.far, component.params.lambda_) == (2, 3)
    ring = verb("datasets.toy.ring", "prepare", {"rows": 4})
    assert len(ring(params=ring.params, seed=5, of=None).split("train")) == 4


def test_parameters_with_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "shift.txt").write_text("0.5")
    made = toys.project(tmp_path, {"tiny": toys.study(dataset={"use": "toy.points", "shift_file": "shift.txt"})})
    plan = made.plan("tiny")
    node = next(node for node in plan.nodes.values() if node.paths)
    assert node_params(made, node)["shift_file"] == str(tmp_path / "shift.txt")
    (tmp_path / "shift.txt").unlink()
    with pytest.raises(UserError, match="changed or vanished while jobs ran"):
        node_params(made, node)


def test_a_raw_folder_is_refused_once_a_file_in_it_changed(tmp_path: Path) -> None:
    photo = tmp_path / "photos" / "cat" / "1.png"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"a photo")
    made = toys.project(
        tmp_path, {"tiny": toys.study(dataset={"use": "own.image_folder", "folder": "photos"}, scales={})}
    )
    plan = made.plan("tiny")
    node = next(node for node in plan.nodes.values() if node.paths)
    assert node_params(made, node)["folder"] == str(tmp_path / "photos")
    photo.write_bytes(b"another")
    with pytest.raises(UserError, match="changed or vanished while jobs ran"):
        node_params(made, node)
    assert node.key not in toys.again(tmp_path).plan("tiny").nodes


def test_ids_are_text_for_components(ran) -> None:
    made, plan = ran
    ids = Inputs(made, plan, model_node(plan, "drop")).data(hidden=False).train.ids
    assert ids.dtype.kind == "U"
    assert np.unique(ids).size == ids.size
