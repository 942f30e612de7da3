"""Metrics: one schema, sorted, timings and items apart, the same bytes whatever the order of the rows."""

import random
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.artifacts.metrics import (
    ITEM_SCHEMA,
    NODE_SCHEMA,
    Measure,
    axes_text,
    frame,
    read_metrics,
    write_metrics,
)

MEASURES = [
    Measure("accuracy", 0.5, "test", 10),
    Measure("accuracy", 0.25, "retain", 8, {"task": 2, "layer": 1}),
    Measure("accuracy", 0.25, "retain", 8, {"task": 1}),
    Measure("error", float("nan"), "test", 10),
    Measure("error", -0.0, "test", 10, seed=3),
    Measure("size_bytes", 100, target="onnx"),
    Measure("train_seconds", 1.5, timing=True),
    Measure("latency", 2.5, timing=True),
    Measure("loss", 0.1, "forget", item="0087"),
    Measure("loss", 0.2, "forget", item="0012"),
]
FILES = ("metrics", "timings", "items")


def test_files_schemas_and_what_goes_where(tmp_path: Path) -> None:
    write_metrics(tmp_path, frame(MEASURES))
    tables = {name: read_metrics(tmp_path, name) for name in FILES}
    assert tables["metrics"].schema == pl.Schema(NODE_SCHEMA)
    assert tables["timings"].schema == pl.Schema(NODE_SCHEMA)
    assert tables["items"].schema == pl.Schema(ITEM_SCHEMA)
    assert tables["timings"]["metric"].to_list() == ["latency", "train_seconds"]
    assert tables["items"]["item"].to_list() == ["0087", "0012"]  # by value, then by item
    assert tables["metrics"]["at"].to_list().count("layer=1,task=2") == 1
    for table in tables.values():
        assert table.equals(table.sort(table.columns, nulls_last=True))


def test_empty_tables_are_left_out(tmp_path: Path) -> None:
    write_metrics(tmp_path, frame([Measure("accuracy", 1)]))
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.parquet"]
    assert read_metrics(tmp_path, "timings") is None
    assert len(frame([])) == 0


@given(st.randoms(use_true_random=False))
def test_bytes_do_not_depend_on_the_order_of_rows(
    tmp_path_factory: pytest.TempPathFactory, shuffle: random.Random
) -> None:
    order = list(MEASURES)
    shuffle.shuffle(order)
    folders = [tmp_path_factory.mktemp("m") for _ in range(2)]
    for folder, measures in zip(folders, (MEASURES, order), strict=True):
        write_metrics(folder, frame(measures))
    for name in FILES:
        one, other = ((folder / f"{name}.parquet").read_bytes() for folder in folders)
        assert one == other


def test_axes_are_sorted_by_name() -> None:
    assert axes_text({"b": 2, "a": "x", "c": 0.5}) == "a=x,b=2,c=0.5"
    assert axes_text({}) == axes_text(None) == ""
