"""Outcomes: the weakest counts, a measurement of another model is refused, a model must still work."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from neurosieve.errors import UserError
from neurosieve.plan.nodes import Cell, Node
from neurosieve.requests.outcomes import NO_EVIDENCE, attacked, counted, evidence, judge, rows_of, weakest

CELL = Cell("drop", 11, "native", "a" * 16, None, ("m1",))
BEFORE = Cell("original", None, "native", "b" * 16, None, ("m2",))


class Reading:
    """Nodes `m1`, `m2` with the hash of their metrics."""

    def node(self, key: str) -> Node:
        return Node("evaluate", "accuracy", key, {}, (), "")

    def hashed(self, key: str) -> dict[str, str]:
        return {"metrics.parquet": f"hash of {key}"}


def row(
    metric: str, value: float, cell: Cell = CELL, split: str = "retain", at: str = "", **more: Any
) -> dict[str, Any]:
    named = {"variant": cell.variant, "target": cell.target, "seed": cell.seed or 11, "model": cell.model}
    return {**named, "metric": metric, "split": split, "at": at, "value": value, "n": 10, **more}


def looked_at(*rows: dict[str, Any]) -> dict[str, Any]:
    return evidence(Reading(), CELL, BEFORE, None, pl.DataFrame(rows))


def test_the_weakest_of_all_counts() -> None:
    assert weakest(["no trace", "refused", "not resolvable"]) == "refused"
    assert weakest(["no trace", "not resolvable"]) == "not resolvable"
    assert weakest(["no trace"]) == "no trace"
    assert weakest([]) == "not resolvable"


def test_a_row_that_was_measured_on_another_model_is_refused() -> None:
    with pytest.raises(UserError, match="drop, seed 11, native: measured on model cccc, not on aaaaaaaaaaaaaaaa"):
        looked_at(row("accuracy", 0.9, model="cccc"))


def test_rows_of_a_cell_without_a_seed_are_those_of_all() -> None:
    frame = pl.DataFrame([row("accuracy", 0.9), row("accuracy", 0.8, BEFORE), row("accuracy", 0.7, BEFORE, seed=12)])
    assert rows_of(frame, CELL)["value"].to_list() == [0.9]
    assert rows_of(frame, BEFORE)["value"].to_list() == [0.8, 0.7]


def test_accuracies_of_the_models_stand_beside_each_other() -> None:
    found = looked_at(row("accuracy", 0.875), row("accuracy", 0.9375, BEFORE), row("accuracy", 0.25, split="forget"))
    assert found["answers"]["stays"] == {"metric": "accuracy", "split": "retain", "before": 0.9375, "after": 0.875}
    assert found["answers"]["forgotten"] == {"metric": "accuracy", "split": "forget", "after": 0.25}
    assert found["files"] == [{"node": "m1", "name": "accuracy", "sha256": "hash of m1"}]


@pytest.mark.parametrize(
    ("after", "loss", "works"), [(0.875, 0.0625, True), (0.8125, 0.0625, False), (0.0, 1.0, True), (1.0, 0.0, True)]
)
def test_how_much_accuracy_may_be_lost(after: float, loss: float, works: bool) -> None:
    one = looked_at(row("accuracy", after), row("accuracy", 0.9375, BEFORE))
    judge(one, pl.DataFrame([row("accuracy", after)]), loss, attempt=1)
    assert one["works"] is works
    assert one["outcome"] == ("not resolvable" if works else "refused")


@pytest.mark.parametrize(("after", "works"), [(2.0, True), (2.0625, True), (2.25, False)])
def test_where_the_target_is_a_number_the_error_may_rise_by_that_share(after: float, works: bool) -> None:
    one = looked_at(row("rmse", after), row("rmse", 2.0, BEFORE))
    judge(one, pl.DataFrame([row("rmse", after)]), 0.0625, attempt=1)
    assert one["works"] is works


def test_a_constant_output_does_not_work_whatever_its_accuracy() -> None:
    rows = [row("accuracy", 1.0), row("accuracy", 1.0, BEFORE), row("constant_output", 1.0, split="")]
    one = looked_at(*rows)
    judge(one, pl.DataFrame(rows[:1]), 0.05, attempt=1)
    assert (one["works"], one["outcome"]) == (False, "refused")


def test_what_was_not_measured_is_said() -> None:
    one = looked_at(row("nonzeros", 5))
    judge(one, pl.DataFrame([row("nonzeros", 5)]), 0.05, attempt=1)
    assert one["works"] is None
    assert one["remarks"] == [NO_EVIDENCE, "whether it still does its work was not measured"]


def test_without_attacks_nothing_is_resolved_and_none_is_counted() -> None:
    found = attacked(pl.DataFrame([row("accuracy", 1.0)]), attempt=1)
    assert (found["outcome"], found["attacks"], found["held_against"]) == ("not resolvable", [], 0)
    assert counted([{"evidence": [found]}])["run"] == 0
