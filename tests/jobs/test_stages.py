"""Stages: what each hands to its component and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests import toys
from tests.toys import ORIGINAL, bare, model_node

from neurosieve.artifacts.data import read_selection
from neurosieve.artifacts.dataset import DatasetInfo, read_dataset
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.errors import UserError
from neurosieve.jobs import stages
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.project import Project


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, StudyPlan]:
    """The tiny study with a training on retained rows, kept epochs and an export."""
    content = toys.study(seeds=[11, 12])
    content["variants"]["original"]["train"] = {"use": "toy.fit", "epochs": 3, "checkpoints": [2]}
    return toys.ran(tmp_path_factory.mktemp("stages") / "p", content)


def model_record(made: Project, plan: StudyPlan, variant: str) -> dict:
    return json.loads((toys.directory(made, model_node(plan, variant)) / "model.json").read_text())


def test_prepare_writes_a_dataset_or_a_selection(ran) -> None:
    made, plan = ran
    inputs = model_node(plan, "drop").recipe["inputs"]
    data, chosen = (toys.directory(made, plan.nodes[inputs[role]]) for role in ("data", "selection"))
    assert {path.name for path in data.glob("*")} == {
        "dataset.json", "train.arrow", "validation.arrow", "test.arrow", "provenance.json",
    }  # fmt: skip
    assert {split: len(rows) for split, rows in read_selection(chosen).rows.items()} == {
        "train": 10, "validation": 10, "test": 10,
    }  # fmt: skip


def test_train_on_retained_rows(ran) -> None:
    made, plan = ran
    rows = {}
    for variant in ("original", "retrained"):
        history = pl.read_parquet(toys.directory(made, model_node(plan, variant)) / "history.parquet")
        assert history["epoch"].to_list() == [1, 2, 3]
        rows[variant] = set(history["rows"])
    assert rows == {"original": {30}, "retrained": {20}}


def test_a_retained_training_sees_retained_rows_of_every_split(tmp_path: Path) -> None:
    peek = {"use": "toy.peek", "split": "validation", "column": "label"}
    variants = {name: {"model": {"use": "toy.centroid"}, "train": peek, "rows": name} for name in ("all", "retain")}
    made, plan = toys.ran(tmp_path, toys.bare(variants))
    rows = [
        pl.read_parquet(toys.directory(made, model_node(plan, name)) / "history.parquet")["rows"].item()
        for name in variants
    ]
    assert rows == [30, 20]


def test_train_writes_model_history_timings_and_checkpoints(ran) -> None:
    made, plan = ran
    path = toys.directory(made, model_node(plan, "original"))
    assert sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()) == [
        "checkpoints/e2/model.json", "checkpoints/e2/model.safetensors", "history.parquet", "model.json",
        "model.safetensors", "provenance.json", "timings.parquet",
    ]  # fmt: skip
    record = model_record(made, plan, "original")
    assert record["schema"] == {"classes": 3, "input_shape": [2]}
    assert (record["steps"], record["parent"], record["base"]) == (["training.toy.fit"], "", None)


def test_intervene_records_parent_steps_and_base(ran) -> None:
    made, plan = ran
    original, counted, drop = (model_node(plan, name) for name in ("original", "counted", "drop"))
    record = model_record(made, plan, "drop-again")
    assert record["parent"] == drop.key
    assert record["steps"] == ["training.toy.fit", *["interventions.unlearning.toy_drop"] * 2]
    assert model_record(made, plan, "counted")["base"] == original.key
    assert model_record(made, plan, "drop")["base"] is None
    assert counted.key != drop.key


def test_parent_is_left_as_it_was(ran) -> None:
    made, plan = ran
    from neurosieve.artifacts.store import read_provenance

    for node in plan.nodes.values():
        path = toys.directory(made, node)
        assert made.store.check(path, read_provenance(path)) is None


@pytest.mark.parametrize(
    ("metric", "said"), [("acuracy", "acuracy"), ("accuracy.slop.r", "accuracy.slop.r"), ("accuracy", "")]
)
def test_a_metric_that_the_vocabulary_lacks_is_refused(metric: str, said: str) -> None:
    measured = frame([Measure("accuracy", 0.5), Measure(metric, 0.5)])
    if not said:
        stages._refuse_unlisted(measured, "evaluation.toy")
        return
    with pytest.raises(UserError, match=rf"evaluation.toy gives the metric '{said}', .*evaluation/vocabulary.csv: add"):
        stages._refuse_unlisted(measured, "evaluation.toy")


def test_export_writes_record_and_measures(ran) -> None:
    made, plan = ran
    (node,) = [node for node in plan.nodes.values() if node.stage == "export" and "/11/" in node.title]
    path = toys.directory(made, node)
    record = json.loads((path / "export.json").read_text())
    assert (record["target"], record["files"], "measures" in record) == ("toy", ["centres.json"], False)
    rows = dict(pl.read_parquet(path / "metrics.parquet").select("metric", "value").iter_rows())
    assert rows["max_logit_difference"] == 0
    assert rows["size_bytes"] == (path / "centres.json").stat().st_size


def test_an_export_is_shown_retained_rows_of_training_and_validation_and_no_test_rows(tmp_path: Path) -> None:
    content = toys.study(
        seeds=[11], claims=[], targets={"drop": ["toy-seen"]}, dataset={"use": "toy.points", "rows": 300}
    )
    made, plan = toys.ran(tmp_path, content)
    (node,) = [node for node in plan.nodes.values() if node.stage == "export"]
    seen = json.loads((toys.directory(made, node) / "seen.json").read_text())
    dataset = read_dataset(toys.directory(made, plan.nodes[node.recipe["inputs"]["data"]]))
    for name, split in (("example", "train"), ("validation", "validation")):
        rows = dataset.split(split)
        assert len(seen[name]) == stages.EXAMPLES
        place = {tuple(x): label for x, label in zip(rows.x.tolist(), rows.y.tolist(), strict=True)}
        labels = [place[tuple(row)] for row in seen[name]]
        assert labels.count(0) == labels.count(2) == stages.EXAMPLES // 2  # stored class after class; 1 is forgotten


def test_evaluation_of_a_target_runs_the_artifact(ran) -> None:
    made, plan = ran
    rows = toys.metrics(made, plan).filter((pl.col("variant") == "drop") & (pl.col("metric") == "accuracy"))
    native, target = (
        rows.filter(pl.col("target") == name).select("seed", "split", "value") for name in ("native", "toy")
    )
    assert len(native) == 8
    assert native.equals(target)


def test_dataset_made_of_another_gets_it(tmp_path: Path) -> None:
    content = bare({"original": ORIGINAL}, dataset={"use": "toy.shuffled", "of": {"use": "toy.ring"}}, forget=None)
    made, plan = toys.ran(tmp_path, content)
    labels = {}
    for name in ("ring", "shuffled"):
        (node,) = [node for node in plan.nodes.values() if node.name == name]
        labels[name] = pl.read_ipc(toys.directory(made, node) / "train.arrow")["label"].to_numpy()
    assert np.array_equal(labels["shuffled"], (labels["ring"] + 1) % 4)


@pytest.mark.parametrize(("classes", "expected"), [(("a", "b"), 2), ((), None)])
def test_schema_of_the_data(classes: tuple[str, ...], expected: int | None) -> None:
    columns = {"x": {"meaning": "x", "shape": [1, 14, 14]}, "sample_id": {"meaning": "id"}}
    info = DatasetInfo(
        name="n", origin="real", source="s", licence="l", inputs="x", class_names=classes, columns=columns
    )
    assert stages.schema_of(info) == {"input_shape": [1, 14, 14], "classes": expected}


def test_first_of_equal_candidates_is_chosen(tmp_path: Path) -> None:
    rule = {"among": {"scale": [1.0, 1.0001, 0.9999]}, "by": {"metric": "accuracy", "use": "toy_accuracy"}}
    variants = {
        "original": ORIGINAL,
        "chosen": {"from": "original", "adapt": {"use": "adaptation.toy_shift", "choose": rule}},
    }
    made, plan = toys.ran(tmp_path, bare(variants))
    path = toys.directory(made, model_node(plan, "chosen"))
    assert pl.read_parquet(path / "candidates.parquet")["accuracy"].n_unique() == 1
    record = model_record(made, plan, "chosen")
    assert record["steps"][-1] == "interventions.adaptation.toy_shift"
    assert (path / "model.safetensors").stat().st_size < 200  # nothing changed, nothing stored


def test_a_chosen_candidate_is_the_same_made_again_or_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = {"among": {"scale": [1.0, 1.5]}, "by": {"metric": "accuracy", "use": "toy_accuracy"}}
    step = {"use": "adaptation.toy_shift", "by": 0.5, "choose": rule}
    content = bare({"original": ORIGINAL, "chosen": {"from": "original", "adapt": step}})
    kept = []
    for held in (0, stages.HELD):
        monkeypatch.setattr(stages, "HELD", held)
        made, plan = toys.ran(tmp_path / str(held), content)
        path = toys.directory(made, model_node(plan, "chosen"))
        kept.append([(path / name).read_bytes() for name in ("model.safetensors", "model.json", "candidates.parquet")])
    assert kept[0] == kept[1]
