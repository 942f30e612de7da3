"""`neurosieve forget`: from a request and a store to the studies that repair what was shipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests import toys
from tests.owned import request
from tests.toys import bare, model_node

from neurosieve.artifacts.dataset import read_dataset
from neurosieve.errors import UserError
from neurosieve.jobs.load import Inputs
from neurosieve.jobs.run import run_node
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project
from neurosieve.requests.cleared import answering
from neurosieve.requests.forget import jobs, repairs, told, write

A, B = ["train-0003", "train-0007"], ["train-0013", "train-0020"]
LINEAR: dict[str, Any] = {
    "model": {"use": "toy.linear"},
    "train": {"use": "supervised.backprop", "epochs": 2, "batch": 8},
}
VARIANTS: dict[str, Any] = {
    "original": LINEAR,
    "pruned": {"from": "original", "prune": {"use": "pruning.magnitude", "sparsity": 0.5}},
    "tuned": {"from": "pruned", "adapt": {"use": "adaptation.finetune", "epochs": 1, "batch": 8}},
    "apart": {**LINEAR, "rows": "retain"},
}
OWN = bare(
    VARIANTS,
    dataset={"use": "toy.points", "rows": 20},
    forget={"where": "label = 0"},
    targets={"tuned": ["onnx"]},
    evaluate=[{"use": "classification"}],
)


def models(made: Project, slug: str) -> StudyPlan:
    """The plan of a study whose models are computed, its exports and evaluations not."""
    plan = made.plan(slug)
    with toys.numba_undisturbed():
        for node in plan.nodes.values():
            if node.stage in ("prepare", "train", "intervene"):
                run_node(made, plan, node)
    return plan


def content(made: Project, slug: str) -> dict[str, Any]:
    return yaml.safe_load((made.root / "config" / "studies" / f"{slug}.yaml").read_text())


def answered(root: Path, name: str, ids: list[str], **how: Any) -> tuple[Project, list[str]]:
    """The project after a request, as a new process sees it, and what was told."""
    made = toys.again(root)
    lines = []
    for one in repairs(made, request(root, *ids, name=name), **how):
        write(made, one)
        lines += list(told(one))
    return toys.again(root), lines


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that shipped something, then two requests, one after the other."""
    folder = tmp_path_factory.mktemp("forget") / "p"
    models(toys.project(folder, {"own": OWN}), "own")
    for name, ids in (("R-A", A), ("R-B", B)):
        made, _ = answered(folder, name, ids)
        models(made, f"own-{name.lower()}")
    return folder


@pytest.fixture
def plans(root: Path) -> tuple[Project, StudyPlan, StudyPlan, StudyPlan]:
    made = toys.again(root)
    return made, *(made.plan(slug) for slug in ("own", "own-r-a", "own-r-b"))


def test_the_prefix_has_the_same_keys_and_the_rest_new_ones(plans) -> None:
    _, own, first, second = plans
    assert model_node(first, "original").key == model_node(own, "original").key
    repaired = model_node(first, "original-R-A")
    assert repaired.recipe["inputs"]["model"] == model_node(own, "original").key
    again = model_node(second, "original-R-B@request=R-A")
    assert again.recipe["inputs"]["model"] == repaired.key
    assert not {model_node(first, "tuned-R-A").key} & set(own.nodes)


def test_the_second_result_starts_from_the_first_by_a_fresh_importance_of_it(plans) -> None:
    made, _, first, second = plans
    again = model_node(second, "original-R-B@request=R-B")
    importance = second.nodes[again.recipe["inputs"]["with.0"]]
    assert importance.recipe["inputs"]["model"] == model_node(first, "original-R-A").key
    note = json.loads((toys.directory(made, importance) / "model.json").read_text())["notes"]["importance"]
    assert note["node"] == model_node(first, "original-R-A").key
    assert note["rows"] == 3 * 20 - len(A) - len(B)


def test_rows_of_every_request_are_measured_after_the_second(plans) -> None:
    _, _, first, second = plans
    asked = {}
    for cell in second.cells:
        if cell.variant.startswith("tuned-R-B@"):
            measured = [second.nodes[key] for key in cell.metrics if second.nodes[key].stage == "evaluate"]
            selections = {node.recipe["inputs"].get("selection") for node in measured}
            asked[cell.variant.partition("request=")[2]] = selections - {None}
    tags = {
        name: {tag for key in keys for tag in second.nodes[key].recipe["params"]["tags"]}
        for name, keys in asked.items()
    }
    assert {name: len(found) for name, found in tags.items()} == {"R-A": 2, "R-B": 2}
    assert not tags["R-A"] & tags["R-B"]
    assert second.settings["certify"]["before"] == "original-R-A"
    assert second.settings["certify"]["at"] == {"request": "R-B"}
    assert first.settings["certify"]["before"] == "original"


def test_no_step_after_a_request_sees_its_rows(plans) -> None:
    made, _, _, second = plans
    node = model_node(second, "tuned-R-B@request=R-B")
    seen = Inputs(made, second, node).data(hidden=False)
    dataset = read_dataset(toys.directory(made, second.nodes[node.recipe["inputs"]["data"]]))
    assert set(dataset.split("train").ids) - set(seen.train.ids) == {*A, *B}
    assert np.array_equal(seen.train.x, dataset.split("train").x[~np.isin(dataset.split("train").ids, [*A, *B])])


def test_no_id_is_written_but_into_the_request(root: Path) -> None:
    written = [path for path in root.rglob("*") if path.is_file() and path.suffix in (".yaml", ".json")]
    assert len(written) > 10
    for path in written:
        assert not any(one in path.read_text() for one in (*A, *B)), path


def test_the_same_request_again_changes_nothing(root: Path) -> None:
    before = {path: path.read_bytes() for path in (root / "config").rglob("*.yaml")}
    made, lines = answered(root, "R-B", B)
    assert {path: path.read_bytes() for path in (root / "config").rglob("*.yaml")} == before
    assert made.studies == ["own", "own-r-a", "own-r-b"]
    assert "study own-r-a: 1 shipped variant learned from the rows" in lines
    assert "  tuned-R-B: adaptation.finetune replayed from pruned-R-B" in lines
    assert "jobs to do (" in jobs(made, "own-r-b")


def test_a_study_that_answers_a_request_is_found_to_purge_after(root: Path) -> None:
    made = toys.again(root)
    found = {name: answering(made, f"data/requests/{name}.csv") for name in ("R-A", "R-B", "R-X")}
    assert found == {"R-A": ["own-r-a"], "R-B": ["own-r-b"], "R-X": []}
    assert answering(made, "data/requests/R-A.csv", "own-r-b") == []


def test_after_names_another_result(root: Path) -> None:
    (one,) = repairs(toys.again(root), request(root, *B, name="R-C"), after="own")
    assert (one.slug, one.base) == ("own-r-c", "own")
    (other,) = repairs(toys.again(root), request(root, *B, name="R-C"), study="own")
    assert (other.slug, other.base) == ("own-r-c", "own-r-b")


def test_file_that_somebody_changed_is_left_alone(root: Path) -> None:
    path = root / "config" / "studies" / "own-r-b.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("Do the repaired", "Do our repaired"))
        with pytest.raises(
            UserError, match=r"own-r-b\.yaml is there and says something else; .* out of config/config\.yaml"
        ):
            answered(root, "R-B", B)
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("ids", "how", "message"),
    [
        (["nobody"], {}, "none of its 1 ids is in a dataset of this store"),
        (A, {"method": "sdd"}, "unknown component 'unlearning.sdd'"),
        (A, {"study": "ownn"}, "unknown study 'ownn'; config/config.yaml lists: own, own-r-a, own-r-b"),
    ],
)
def test_requests_that_repair_nothing(root: Path, ids: list[str], how: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        repairs(toys.again(root), request(root, *ids, name="R-X"), **how)


def test_requests_on_an_axis_are_refused(tmp_path: Path) -> None:
    path = request(tmp_path, *A)
    asked = {"forget": {"ids_file": "data/requests/R-2026-01.csv"}}
    made = toys.project(tmp_path, {"own": {**OWN, "axes": {"of": {"a": asked}}, "targets": {"original": ["onnx"]}}})
    plan = made.plan("own")
    with toys.numba_undisturbed():
        for node in plan.with_ancestors(model_node(plan, "original@of=a").key):
            run_node(made, plan, node)
    with pytest.raises(UserError, match="axis 'of' forgets a request at each value; to repair this study, give"):
        repairs(made, path)


def test_what_is_shipped_but_not_here_is_named(root: Path, tmp_path: Path) -> None:
    made = toys.project(tmp_path, {"own": OWN})
    plan = made.plan("own")
    run_node(made, plan, next(node for node in plan.nodes.values() if node.stage == "prepare"))
    with pytest.raises(UserError, match="not computed here, or by other code: own/tuned; run `snakemake own` first"):
        repairs(made, request(tmp_path, *A))


def test_what_cannot_be_planned_leaves_nothing_behind(root: Path) -> None:
    with pytest.raises(UserError, match="1 of 1 ids are rows of split 'test', not training rows"):
        answered(root, "R-T", ["test-0003"])
    assert toys.again(root).studies == ["own", "own-r-a", "own-r-b"]
    assert not (root / "config" / "studies" / "own-r-t.yaml").exists()


def test_a_request_elsewhere_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="put the request into data/requests/ of this project; ids stay there"):
        repairs(toys.again(root), request(tmp_path, *A))
    (root / "R-9.csv").write_text("sample_id\n")
    with pytest.raises(UserError, match="put the request into data/requests/ of this project; ids stay there"):
        repairs(toys.again(root), root / "R-9.csv")


def test_an_importance_that_saw_rows_of_an_earlier_request_is_refused(root: Path) -> None:
    made = toys.again(root)
    changed = content(made, "own-r-b")
    del changed["variants"]["importance-original-R-B"]["without"]
    (root / "config" / "studies" / "own-r-b.yaml").rename(root / "kept.yaml")
    try:
        (root / "config" / "studies" / "own-r-b.yaml").write_text(yaml.safe_dump(changed))
        with pytest.raises(
            UserError, match="'importance-original-R-B' was computed from the rows of 2 ids that `without`"
        ):
            toys.again(root).plan("own-r-b")
    finally:
        (root / "kept.yaml").rename(root / "config" / "studies" / "own-r-b.yaml")
