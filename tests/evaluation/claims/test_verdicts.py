from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from neurosieve.evaluation.claims.records import Record
from neurosieve.evaluation.claims.verdicts import SCHEMA, Verdict, summary, verdicts_frame


@pytest.fixture
def verdict(judge: Callable[..., Verdict]) -> Verdict:
    rows = {("a", "accuracy", "test"): [0.80, 0.81, 0.82]}
    return judge({"left": {"metric": "accuracy", "of": "a"}, "is": "above", "right": 0.5}, rows)


def test_frame(verdict: Verdict, judge: Callable[..., Verdict]) -> None:
    gone = judge({"left": {"metric": "accuracy", "of": "b"}, "is": "above", "right": 0.5}, {("a", "ece", "test"): [1]})
    frame = verdicts_frame([verdict, gone])
    assert dict(frame.schema) == SCHEMA
    first, second = frame.iter_rows(named=True)
    assert (first["study"], first["claim"], first["verdict"], first["strength"]) == ("s", "C1", "holds", "firm")
    assert (first["seeds"], first["scale"], first["criterion"]) == (3, "default", "accuracy a above 0.5")
    assert first["estimate"] == pytest.approx(0.31)
    assert first["low"] < first["estimate"] < first["high"]
    (part,) = json.loads(first["parts"])
    assert (part["is"], part["left"], part["left_seeds"]) == ("above", pytest.approx(0.81), [0.80, 0.81, 0.82])
    assert (second["verdict"], second["strength"], second["estimate"]) == ("not decided", "", None)
    assert verdicts_frame([]).schema == pl.Schema(SCHEMA)


def test_estimate_is_on_the_scale_of_its_interval(judge: Callable[..., Verdict]) -> None:
    rows = {("a", "train_seconds", ""): [1, 2, 4], ("b", "train_seconds", ""): [2, 5, 8]}
    sides: Any = [{"metric": "train_seconds", "of": name} for name in ("a", "b")]
    (row,) = verdicts_frame([judge({"left": sides[0], "is": "below", "right": sides[1]}, rows)]).iter_rows(named=True)
    assert row["estimate"] == pytest.approx(7 / 15)
    assert row["low"] < row["estimate"] < row["high"]


def test_json_has_no_nan(verdict: Verdict) -> None:
    record = replace(verdict.parts[0], low=float("nan"))
    text = json.dumps(replace(verdict, parts=(record,)).as_dict(), allow_nan=False)
    assert json.loads(text)["parts"][0]["low"] is None
    assert json.loads(text)["strength"] == "firm"


def test_summary_counts_and_luck(verdict: Verdict) -> None:
    verdicts = [
        replace(verdict, claim="1", luck=0.5, p=0.01),
        replace(verdict, claim="2", firm=False, luck=0.25, p=0.04),
        replace(verdict, claim="3", verdict="fails", luck=0.5),
        replace(verdict, claim="4", exact=True, luck=0.5),
        replace(verdict, claim="5", verdict="inconclusive", firm=None, luck=None),
        replace(verdict, claim="6", verdict="not decided", firm=None, luck=None),
    ]
    found = summary(verdicts)
    assert (found["claims"], found["decided"], found["holds"], found["fails"]) == (6, 4, 3, 1)
    assert (found["inconclusive"], found["not decided"], found["exact"]) == (1, 1, 1)
    assert (found["firm"], found["fragile"], found["holds firmly"]) == (3, 1, 2)
    assert found["luck"] == 1.25
    assert found["luck_sd"] == pytest.approx((0.25 + 0.1875 + 0.25) ** 0.5)
    assert found["q"] == {"s/1": pytest.approx(0.02), "s/2": pytest.approx(0.04)}
    assert found["text"] == "3 of 4 hold, 2 of them firmly; on the threshold 1 would hold by luck."


def test_summary_of_nothing() -> None:
    assert summary([])["text"] == "0 of 0 hold, 0 of them firmly; on the threshold 0 would hold by luck."


def test_record_in_words() -> None:
    record = Record("accuracy forget ssd", "at_most", "0.1", cell="setting=random", left=0.03, right=0.1)
    assert record.text == "accuracy forget ssd [setting=random] is 0.03, asked at most 0.1"
    assert Record("x", "above", "0", reason="no value").text == "x: no value"
