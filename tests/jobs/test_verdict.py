"""The verdict stage: one tidy table of everything measured, also of a study that is not complete."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests import toys
from tests.toys import bare

from neurosieve.artifacts.metrics import COLLECTED, Measure, frame, write_metrics
from neurosieve.jobs.verdict import collect, verdicts_of
from neurosieve.plan.nodes import Cell, StudyPlan
from neurosieve.plan.project import Project


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, StudyPlan]:
    return toys.ran(tmp_path_factory.mktemp("verdict") / "p", toys.study())


def test_tables_of_the_verdict_are_what_is_collected_now(ran) -> None:
    made, plan = ran
    path = toys.directory(made, plan.nodes[plan.verdict])

    def directory(key: str) -> Path:
        return made.store.path(plan.nodes[key].folder)

    assert collect(plan, directory).equals(toys.metrics(made, plan))
    assert json.loads((path / "verdicts.json").read_text())[0]["verdict"] == "holds"
    assert pl.read_parquet(path / "verdicts.parquet")["claim"].to_list() == ["T1"]


def test_missing_nodes_leave_their_rows_out(ran) -> None:
    made, plan = ran
    gone = toys.model_node(plan, "drop", 12).key
    missing = {node.key for node in plan.descendants(gone)}

    def directory(key: str) -> Path | None:
        return None if key in missing else made.store.path(plan.nodes[key].folder)

    rows = collect(plan, directory)
    lost = toys.metrics(made, plan).join(rows, on=COLLECTED[:8], how="anti")
    assert set(lost.select("variant", "seed").unique().iter_rows()) == {("drop", 12), ("drop-again", 12)}
    (verdict,), tables = verdicts_of(plan, directory)
    assert verdict.as_dict()["verdict"] != "fails"
    assert tables.keys() == {"metrics", "timings", "items"}


def test_nothing_computed_gives_the_schema(ran) -> None:
    _, plan = ran
    for name in ("metrics", "timings", "items"):
        table = collect(plan, lambda key: None, name)
        assert len(table) == 0
        assert table.columns == [("item" if name == "items" and column == "n" else column) for column in COLLECTED]


def test_rows_may_name_their_own_variant_target_and_seed(tmp_path: Path) -> None:
    plan = StudyPlan("tiny", "smoke", cells=[Cell("a", None, "native", "m" * 16, None, ("k1",))])
    plan.grid = {"seeds": [5, 6]}
    measures = [
        Measure("accuracy", 0.5, "test", 4),
        Measure("accuracy", 0.25, "test", 4, target="onnx"),
        Measure("accuracy", 0.75, "test", 4, seed=9),
        Measure("loss", 1.5, "test", item="0087"),
    ]
    write_metrics(tmp_path, frame(measures))
    rows = collect(plan, lambda key: tmp_path)
    assert rows.select("target", "seed", "value").rows() == [("native", 5, 0.5), ("native", 9, 0.75), ("onnx", 5, 0.25)]
    assert set(rows["unit"]) == {"share"}
    assert collect(plan, lambda key: tmp_path, "items").select("item", "value").rows() == [("0087", 1.5)]


def test_unit_comes_from_the_vocabulary(tmp_path: Path) -> None:
    write_metrics(tmp_path, frame([Measure("size_bytes", 10), Measure("something_new", 1)]))
    plan = StudyPlan("tiny", "default", cells=[Cell("a", 1, "native", "m" * 16, None, ("k",))], grid={"seeds": [1]})
    units = dict(collect(plan, lambda key: tmp_path).select("metric", "unit").iter_rows())
    assert units["something_new"] == ""
    assert units["size_bytes"] != ""


def test_study_without_claims_has_an_empty_verdict(tmp_path: Path) -> None:
    made, plan = toys.ran(tmp_path, bare({"original": toys.ORIGINAL}))
    path = toys.directory(made, plan.nodes[plan.verdict])
    assert json.loads((path / "verdicts.json").read_text()) == []
    assert len(pl.read_parquet(path / "metrics.parquet")) == 0
