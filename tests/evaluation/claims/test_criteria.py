"""Every form of criterion, three-valued logic and firmness, with outcomes computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurosieve.evaluation.claims.criteria import needed_of
from neurosieve.evaluation.claims.verdicts import Verdict

Judge = Callable[..., Verdict]
UP = {("up", "accuracy", "test"): [0.8, 0.81, 0.82], ("down", "accuracy", "test"): [0.2, 0.21, 0.22]}
TRUE = {"left": {"metric": "accuracy", "of": "up"}, "is": "above", "right": 0.5}
FALSE = {"left": {"metric": "accuracy", "of": "down"}, "is": "above", "right": 0.5}
UNKNOWN = {"left": {"ratio": [{"metric": "accuracy", "of": "up"}, 0]}, "is": "above", "right": 0.5}


@pytest.mark.parametrize(
    ("criterion", "verdict"),
    [
        (TRUE, "holds"),
        (FALSE, "fails"),
        (UNKNOWN, "inconclusive"),
        ({"all_of": [TRUE, TRUE]}, "holds"),
        ({"all_of": [TRUE, FALSE]}, "fails"),
        ({"all_of": [TRUE, UNKNOWN]}, "inconclusive"),
        ({"all_of": [FALSE, UNKNOWN]}, "fails"),
        ({"any_of": [FALSE, TRUE]}, "holds"),
        ({"any_of": [FALSE, FALSE]}, "fails"),
        ({"any_of": [UNKNOWN, TRUE]}, "holds"),
        ({"any_of": [UNKNOWN, FALSE]}, "inconclusive"),
        ({"not": FALSE}, "holds"),
        ({"not": TRUE}, "fails"),
        ({"not": UNKNOWN}, "inconclusive"),
        ({"at_least": 2, "of": [TRUE, FALSE, TRUE]}, "holds"),
        ({"at_least": 2, "of": [TRUE, FALSE, FALSE]}, "fails"),
        ({"at_least": 2, "of": [TRUE, FALSE, UNKNOWN]}, "inconclusive"),
    ],
)
def test_logic(judge: Judge, criterion: Any, verdict: str) -> None:
    assert judge(criterion, UP).verdict == verdict


@pytest.mark.parametrize(
    ("need", "cells", "needed"),
    [
        ("all", 5, 5), ("any", 5, 1), (0.66, 3, 2), (0.6, 10, 6), (0.83, 6, 5), (0.51, 5, 3), (0.8, 5, 4),
        (0.875, 8, 7), (0.4, 5, 2), (1, 4, 4), (0.01, 3, 1), (0.7, 10, 7),
    ],
)  # fmt: skip
def test_need_is_the_ceiling_of_a_share(need: Any, cells: int, needed: int) -> None:
    assert needed_of(need, cells) == needed


SEEDS = {("a", "accuracy", "test"): [0.9, 0.8, 0.4], ("b", "accuracy", "test"): [0.5, 0.5, 0.5]}
BEATS = {"left": {"metric": "accuracy", "of": "a"}, "is": "above", "right": {"metric": "accuracy", "of": "b"}}


@pytest.mark.parametrize(("need", "verdict"), [("all", "fails"), (0.66, "holds"), (0.67, "fails"), ("any", "holds")])
def test_for_each_seed(judge: Judge, need: Any, verdict: str) -> None:
    result = judge({"for_each": {"seed": "all"}, "need": need, "that": BEATS}, SEEDS)
    assert result.verdict == verdict
    (record,) = result.parts
    assert (record.passing, record.n, record.seeds) == (2, 3, (11, 12, 13))
    assert record.sign_probability == pytest.approx(0.5)
    assert record.left_seeds == (0.9, 0.8, 0.4)


def test_for_each_crosses_lists(judge: Judge) -> None:
    rows = {(f"a@d={d},e={e}", "accuracy", "test"): [d + e, d + e] for d in (1, 2) for e in (0.1, 0.2)}
    that = {"left": {"metric": "accuracy", "of": "a"}, "is": "above", "right": 1.15}
    verdict = judge({"for_each": {"d": [1, 2], "e": [0.1, 0.2]}, "need": 0.75, "that": that}, rows)
    assert verdict.verdict == "holds"
    assert [(record.cell, record.holds) for record in verdict.parts] == [
        ("d=1, e=0.1", False), ("d=1, e=0.2", True), ("d=2, e=0.1", True), ("d=2, e=0.2", True),
    ]  # fmt: skip


def test_for_each_all_takes_what_every_leaf_has(judge: Judge) -> None:
    rows = {
        ("a@l=1", "accuracy", "test"): [0.9, 0.9, 0.9],
        ("a@l=2", "accuracy", "test"): {11: 0.9, 13: 0.9},
        ("b@l=1", "accuracy", "test"): {11: 0.1, 12: 0.1},
        ("b@l=2", "accuracy", "test"): [0.1, 0.1, 0.1],
        ("b@l=3", "accuracy", "test"): [0.99, 0.99, 0.99],
    }
    verdict = judge({"for_each": {"l": "all", "seed": "all"}, "that": BEATS}, rows)
    assert verdict.verdict == "holds"
    assert [(record.cell, record.seeds) for record in verdict.parts] == [("l=1", (11, 12)), ("l=2", (11, 13))]


def test_for_each_inner_value_replaces_the_claims_at(judge: Judge) -> None:
    rows = {("a@l=1", "accuracy", "test"): [0.9, 0.9], ("a@l=2", "accuracy", "test"): [0.1, 0.1]}
    that = {"left": {"metric": "accuracy", "of": "a"}, "is": "above", "right": 0.5}
    assert judge({"for_each": {"l": [2]}, "that": that}, rows, at={"l": 1}).verdict == "fails"


@pytest.mark.parametrize(
    ("for_each", "leaf"),
    [
        ({"variant": ["up", "down"]}, {"metric": "accuracy", "of": "each"}),
        ({"metric": ["accuracy", "recall"]}, {"metric": "each", "of": "up"}),
        ({"split": ["test", "train"]}, {"metric": "accuracy", "of": "up", "split": "each"}),
        ({"target": ["native", "onnx"]}, {"metric": "accuracy", "of": "up", "target": "each"}),
    ],
)
def test_each(judge: Judge, for_each: Any, leaf: Any) -> None:
    rows = {
        **UP,
        ("up", "recall", "test"): [0.1, 0.1, 0.1],
        ("up", "accuracy", "train"): [0.1, 0.1, 0.1],
        ("up", "accuracy", "test", "", "onnx"): [0.1, 0.1, 0.1],
    }
    criterion = {"for_each": for_each, "that": {"left": leaf, "is": "above", "right": 0.5}}
    verdict = judge(criterion, rows)
    assert [record.holds for record in verdict.parts] == [True, False]
    assert judge({**criterion, "need": "any"}, rows).verdict == "holds"


def test_an_axis_nobody_has(judge: Judge) -> None:
    verdict = judge({"for_each": {"setting": ["a", "b"]}, "that": TRUE}, UP)
    assert (verdict.verdict, verdict.reason) == ("inconclusive", "no quantity compared has the axis setting")


CLOSE = {("a", "accuracy", "test"): [0.9, 0.5, 0.4], ("b", "accuracy", "test"): [0.5, 0.5, 0.5]}
CLEAR = {("a", "accuracy", "test"): [0.90, 0.93, 0.91], ("b", "accuracy", "test"): [0.5, 0.52, 0.5]}


class TestFirm:
    """Firm: no deciding interval contains its threshold, and no single seed or cell decides."""

    def test_interval_decides(self, judge: Judge) -> None:
        assert judge(BEATS, CLEAR).strength == "firm"
        assert judge(BEATS, CLOSE).strength == "fragile"
        assert judge({"not": BEATS}, CLEAR).strength == "firm"

    def test_what_does_not_decide_does_not_make_fragile(self, judge: Judge) -> None:
        rows = {**CLEAR, ("c", "accuracy", "test"): [0.9, 0.5, 0.4]}
        close = {"left": {"metric": "accuracy", "of": "c"}, "is": "above", "right": 0.5}
        assert judge({"any_of": [BEATS, close]}, rows).strength == "firm"
        assert judge({"all_of": [BEATS, close]}, rows).strength == "fragile"
        assert judge({"all_of": [{"not": BEATS}, close]}, rows).strength == "firm"

    @pytest.mark.parametrize(
        ("values", "need", "strength"),
        [
            ([1, 1, 1], 0.66, "firm"), ([1, 1, 0], 0.66, "fragile"), ([1, 0, 0], 0.66, "fragile"),
            ([0, 0, 0], 0.66, "firm"),
            ([1, 1, 1], "all", "fragile"), ([1, 0, 0], "all", "firm"),
            ([1, 1, 0], "any", "firm"), ([1, 0, 0], "any", "fragile"),
        ],
    )  # fmt: skip
    def test_one_seed_changing_sides(self, judge: Judge, values: list[float], need: Any, strength: str) -> None:
        that = {"left": {"metric": "accuracy", "of": "a"}, "is": "above", "right": 0.5}
        result = judge({"for_each": {"seed": "all"}, "need": need, "that": that}, {("a", "accuracy", "test"): values})
        assert result.strength == strength
        assert ("changing sides" in result.reason) == (strength == "fragile")

    def test_two_seeds_have_no_interval(self, judge: Judge) -> None:
        rows = {key: values[:2] for key, values in CLEAR.items()}
        result = judge(BEATS, rows)
        assert result.strength == "fragile"
        assert (result.parts[0].low, result.parts[0].high) == (None, None)

    def test_identical_differences_are_a_point(self, judge: Judge) -> None:
        rows = {("a", "accuracy", "test"): [0.9, 0.8], ("b", "accuracy", "test"): [0.5, 0.4]}
        result = judge(BEATS, rows)
        assert result.strength == "firm"
        assert result.parts[0].low == result.parts[0].high == pytest.approx(0.4)

    def test_without_an_interval_leaving_out_a_seed_tells(self, judge: Judge) -> None:
        compare = {"left": {"metric": "accuracy", "of": "a", "over": "min"}, "is": "above", "right": 0.3}
        assert judge(compare, {("a", "accuracy", "test"): [0.5, 0.6, 0.7]}).strength == "firm"
        assert judge(compare, {("a", "accuracy", "test"): [0.2, 0.6, 0.7]}).strength == "fragile"

    def test_exact_claims_rest_on_no_seeds(self, judge: Judge) -> None:
        criterion = {"for_each": {"seed": "all"}, "that": TRUE}
        assert judge(criterion, UP).strength == "fragile"
        assert judge(criterion, UP, exact=True).strength == "firm"
