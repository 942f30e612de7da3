"""Every form of quantity, with values computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neurosieve.evaluation.claims.quantities import holds
from neurosieve.evaluation.claims.verdicts import Verdict

Judge = Callable[..., Verdict]


def read(judge: Judge, quantity: Any, rows: Any, **fields: Any) -> float | None:
    """The value of a quantity, read off the record of a compare that always holds."""
    fields = {"min_seeds": 1, **fields}
    verdict = judge({"left": quantity, "is": "above", "right": -1e9}, rows, **fields)
    assert verdict.parts[0].left is not None, verdict.reason
    return verdict.parts[0].left


def leaf(**fields: Any) -> dict[str, Any]:
    return {"metric": "accuracy", "of": "ssd", **fields}


@pytest.mark.parametrize(
    ("over", "expected"),
    [("mean", 3), ("median", 2), ("min", 1), ("max", 6), ("sum", 9), ("sd", 7**0.5), ("rms", (41 / 3) ** 0.5)],
)
def test_over_reduces_seeds(judge: Judge, over: str, expected: float) -> None:
    assert read(judge, leaf(over=over), {("ssd", "accuracy", "test"): [1, 2, 6]}) == pytest.approx(expected)


SWEEP = {
    ("ssd@alpha=1", "accuracy", "test"): [0.1, 0.3],
    ("ssd@alpha=5", "accuracy", "test"): [0.9, 0.7],
    ("ssd@alpha=10", "accuracy", "test"): [0.4, 0.6],
}


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("mean", 0.5), ("median", 0.5), ("min", 0.2), ("max", 0.8), ("sum", 1.5), ("spread", 0.6), ("best", 0.8),
        ("worst", 0.2), ({"alpha": "best"}, 0.8), ({"alpha": "worst"}, 0.2),
    ],
)  # fmt: skip
def test_pool_reduces_points(judge: Judge, pool: Any, expected: float) -> None:
    assert read(judge, leaf(pool=pool, at={"alpha": "all"}), SWEEP) == pytest.approx(expected)


def test_seeds_first_then_pool(judge: Judge) -> None:
    # Largest mean is .8; the mean of each seed's largest would be .8 here too, so make seeds disagree.
    rows = {("ssd@a=1", "accuracy", "test"): [1.0, 0.0], ("ssd@a=2", "accuracy", "test"): [0.2, 0.9]}
    assert read(judge, leaf(pool="max", at={"a": "all"}), rows) == pytest.approx(0.55)


def test_pool_axis_by_axis_in_written_order(judge: Judge) -> None:
    rows = {
        ("dst@growth=a,init=x", "accuracy", "test"): [0.1],
        ("dst@growth=a,init=y", "accuracy", "test"): [0.9],
        ("dst@growth=b,init=x", "accuracy", "test"): [0.6],
        ("dst@growth=b,init=y", "accuracy", "test"): [0.6],
    }
    at = {"growth": "all", "init": "all"}
    quantity = {"metric": "accuracy", "of": "dst", "at": at}
    # mean over init: a .5, b .6 -> best .6; best over growth first: x .6, y .9 -> mean .75
    assert read(judge, {**quantity, "pool": {"init": "mean", "growth": "best"}}, rows) == pytest.approx(0.6)
    assert read(judge, {**quantity, "pool": {"growth": "best", "init": "mean"}}, rows) == pytest.approx(0.75)


def test_directions_decide_best_and_worst(judge: Judge) -> None:
    rows = {("a", "ece", "test"): [0.1], ("b", "ece", "test"): [0.3], ("c", "accuracy", "test"): [1]}
    assert read(judge, {"metric": "ece", "of": {"best": ["a", "b"]}}, rows) == 0.1
    assert read(judge, {"metric": "ece", "of": {"worst": ["a", "b"]}}, rows) == 0.3
    assert read(judge, {"metric": "ece", "of": {"mean": ["a", "b"]}}, rows) == pytest.approx(0.2)


def test_arithmetic(judge: Judge) -> None:
    rows = {("ssd", "accuracy", "test"): [0.6], ("b", "accuracy", "test"): [0.2]}
    other = {"metric": "accuracy", "of": "b"}
    assert read(judge, leaf(times=2, plus=-0.1), rows) == pytest.approx(1.1)
    assert read(judge, {"diff": [leaf(), other], "times": 10}, rows) == pytest.approx(4)
    assert read(judge, {"ratio": [leaf(), other], "plus": 1}, rows) == pytest.approx(4)
    assert read(judge, {"abs": {"diff": [other, leaf()]}, "times": 2}, rows) == pytest.approx(0.8)


def test_ratio_is_of_means_not_a_mean_of_ratios(judge: Judge) -> None:
    rows = {("ssd", "accuracy", "test"): [1, 3], ("b", "accuracy", "test"): [1, 1.5]}
    assert read(judge, {"ratio": [leaf(), {"metric": "accuracy", "of": "b"}]}, rows) == pytest.approx(2 / 1.25)


def test_home_split_and_tolerance_for_none(judge: Judge) -> None:
    rows = {("ssd", "mia_success", "forget"): [0.4], ("ssd", "mia_success", "test"): [0.9]}
    assert read(judge, {"metric": "mia_success", "of": "ssd"}, rows) == 0.4
    assert read(judge, {"metric": "train_flops", "of": "ssd"}, {("ssd", "train_flops", "test"): [7]}) == 7
    assert read(judge, leaf(), {("ssd", "accuracy", "test"): [0.5], ("ssd", "accuracy", "train"): [0.7]}) == 0.5
    verdict = judge({"left": leaf(), "is": "above", "right": 0}, {("ssd", "accuracy", "train"): [0.7]}, min_seeds=1)
    assert (verdict.verdict, verdict.reason) == ("not decided", "accuracy ssd was not measured")


def test_targets(judge: Judge) -> None:
    rows = {("ssd", "accuracy", "test"): [0.5], ("ssd", "accuracy", "test", "", "onnx"): [0.4]}
    assert read(judge, leaf(target="onnx"), rows) == 0.4


POINTS = {
    ("ssd@setting=a", "accuracy", "test", "epoch=1"): [0.1],
    ("ssd@setting=a", "accuracy", "test", "epoch=2"): [0.2],
    ("ssd@setting=b", "accuracy", "test", "epoch=1"): [0.3],
    ("ssd@setting=b", "accuracy", "test", "epoch=2"): [0.4],
}


class TestAxes:
    @pytest.mark.parametrize(
        ("at", "expected"),
        [
            ({"setting": "a", "epoch": 1}, 0.1),
            ({"setting": "b", "epoch": 2.0}, 0.4),
            ({"setting": "a", "epoch": [1, 2]}, 0.15),
            ({"setting": "all", "epoch": 1}, 0.2),
            ({}, 0.25),
        ],
    )
    def test_variant_and_metric_axes_bind_alike(self, judge: Judge, at: Any, expected: float) -> None:
        assert read(judge, leaf(at=at), POINTS) == pytest.approx(expected)

    def test_own_at_wins_over_the_claims(self, judge: Judge) -> None:
        assert read(judge, leaf(at={"setting": "b"}), POINTS, at={"setting": "a", "epoch": 1}) == 0.3

    def test_an_axis_the_variant_lacks_is_not_bound(self, judge: Judge) -> None:
        assert read(judge, leaf(), {("ssd", "accuracy", "test"): [0.5]}, at={"gamma": 0.1}) == 0.5

    def test_of_an_unbound_axis_the_plain_cell_is_read(self, judge: Judge) -> None:
        rows = {("ssd", "accuracy", "test"): [0.5], ("ssd", "accuracy", "test", "outer=1"): [0.1]}
        assert read(judge, leaf(), rows) == 0.5
        assert read(judge, leaf(at={"outer": 1}), rows) == 0.1

    def test_a_listed_value_without_this_metric_is_inconclusive_and_not_computed_is_not_decided(
        self, judge: Judge
    ) -> None:
        rows = {**POINTS, ("ssd@setting=c", "ece", "test"): [0.1]}
        compare = {"left": leaf(at={"setting": ["a", "c"]}), "is": "above", "right": 0}
        verdict = judge(compare, rows, min_seeds=1)
        assert verdict.verdict == "inconclusive"
        assert verdict.reason == "accuracy ssd at setting=c: no value"
        verdict = judge({"left": leaf(at={"setting": "d"}), "is": "above", "right": 0}, rows, min_seeds=1)
        assert verdict.verdict == "not decided"
        assert verdict.reason == "ssd at setting=d was not computed"

    def test_all_means_the_points_every_quantity_has(self, judge: Judge) -> None:
        rows = {
            ("a@l=1", "accuracy", "test"): [0.1],
            ("a@l=2", "accuracy", "test"): [0.2],
            ("b@l=2", "accuracy", "test"): [0.7],
            ("b@l=3", "accuracy", "test"): [0.9],
        }
        compare = {"left": {"metric": "accuracy", "of": "a"}, "is": "below", "right": {"metric": "accuracy", "of": "b"}}
        (record,) = judge(compare, rows, at={"l": "all"}, min_seeds=1).parts
        assert (record.left, record.right) == (0.2, 0.7)

    def test_all_leaves_out_points_that_lack_a_seed(self, judge: Judge) -> None:
        rows = {("ssd@l=1", "accuracy", "test"): [0.1, 0.1], ("ssd@l=2", "accuracy", "test"): [0.9]}
        assert read(judge, leaf(at={"l": "all"}), rows) == pytest.approx(0.1)


CANDIDATES = {
    ("ssd@a=1", "accuracy", "test"): [0.9], ("ssd@a=1", "accuracy", "validation"): [0.1],
    ("ssd@a=2", "accuracy", "test"): [0.5], ("ssd@a=2", "accuracy", "validation"): [0.8],
    ("ssd@a=3", "accuracy", "test"): [0.3], ("ssd@a=3", "accuracy", "validation"): [0.6],
    ("ssd@a=1", "ece", "test"): [0.3], ("ssd@a=2", "ece", "test"): [0.2], ("ssd@a=3", "ece", "test"): [0.1],
    ("dense", "accuracy", "validation"): [0.75],
}  # fmt: skip


class TestChoice:
    def best(self, **fields: Any) -> dict[str, Any]:
        return leaf(at={"a": "all"}, pool="best", **fields)

    def test_by_another_split_metric_or_variant(self, judge: Judge) -> None:
        assert read(judge, self.best(), CANDIDATES) == 0.9
        assert read(judge, self.best(by={"split": "validation"}), CANDIDATES) == 0.5
        assert read(judge, self.best(by={"metric": "ece"}), CANDIDATES) == 0.3
        rows = {**CANDIDATES, ("long@a=1", "accuracy", "test"): [0.2], ("long@a=2", "accuracy", "test"): [0.25]}
        quantity = {"metric": "accuracy", "of": "long", "at": {"a": "all"}, "pool": "best"}
        assert read(judge, {**quantity, "by": {"split": "validation", "of": "ssd"}}, rows) == 0.25

    def test_worst_by(self, judge: Judge) -> None:
        quantity = {**self.best(by={"metric": "ece"}), "pool": "worst"}
        assert read(judge, quantity, CANDIDATES) == 0.9

    def test_among_filters_first(self, judge: Judge) -> None:
        among = {"split": "validation", "is": "at_most", "right": 0.6}
        assert read(judge, self.best(by={"split": "validation"}, among=among), CANDIDATES) == 0.3
        right = {"metric": "accuracy", "split": "validation", "of": "dense", "plus": -0.1}
        assert read(judge, self.best(among={**among, "is": "at_least", "right": right}), CANDIDATES) == 0.5

    def test_no_candidate_is_inconclusive_unless_if_none(self, judge: Judge) -> None:
        among = {"metric": "accuracy", "split": "validation", "is": "above", "right": 0.9}
        compare = {"left": self.best(among=among), "is": "below", "right": 0}
        verdict = judge(compare, CANDIDATES, min_seeds=1)
        assert verdict.verdict == "inconclusive"
        assert verdict.reason.startswith("no candidate of accuracy ssd")
        assert judge({**compare, "if_none": "true"}, CANDIDATES, min_seeds=1).verdict == "holds"
        assert judge({**compare, "if_none": True}, CANDIDATES, min_seeds=1).verdict == "holds"
        assert judge({**compare, "if_none": "false"}, CANDIDATES, min_seeds=1).verdict == "fails"

    def test_among_variants(self, judge: Judge) -> None:
        rows = {
            ("a", "accuracy", "retain"): [0.9], ("a", "accuracy", "forget"): [0.5],
            ("b", "accuracy", "retain"): [0.8], ("b", "accuracy", "forget"): [0.1],
            ("c", "accuracy", "retain"): [0.7], ("c", "accuracy", "forget"): [0.0],
        }  # fmt: skip
        quantity = {"metric": "accuracy", "split": "retain", "of": {"best": ["a", "b", "c"]}}
        assert read(judge, quantity, rows) == 0.9
        among = {"metric": "accuracy", "split": "forget", "is": "at_most", "right": 0.1}
        assert read(judge, {**quantity, "among": among}, rows) == 0.8

    def test_one_baseline_for_all_seeds_unless_the_seed_is_bound(self, judge: Judge) -> None:
        rows = {
            ("ssd", "accuracy", "test"): [0.75, 0.75],
            ("a", "accuracy", "test"): [0.9, 0.5],
            ("b", "accuracy", "test"): [0.4, 0.8],
        }
        compare = {"left": leaf(), "is": "above", "right": {"metric": "accuracy", "of": {"best": ["a", "b"]}}}
        (record,) = judge(compare, rows).parts
        assert (record.right, record.right_seeds, record.chosen) == (0.7, (0.9, 0.5), "a")
        assert judge(compare, rows).verdict == "holds"
        bound = judge({"for_each": {"seed": "all"}, "that": compare}, rows)
        assert bound.parts[0].right_seeds == (0.9, 0.8)
        assert bound.verdict == "fails"

    def test_what_is_pooled_without_being_named_is_said(self, judge: Judge) -> None:
        rows = {("ssd@noise=0", "accuracy", "test"): [0.9], ("ssd@noise=1", "accuracy", "test"): [0.5]}
        compare = {"left": leaf(), "is": "above", "right": 0.6}
        (record,) = judge(compare, rows).parts
        assert (record.left, record.pooled) == (0.7, "noise (2 values)")
        assert record.text.startswith("accuracy ssd, pooled over noise (2 values), is 0.7, asked above 0.6")
        for named in ({"at": {"noise": "all"}}, {"at": {"noise": [0, 1]}}, {"pool": "mean"}, {"at": {"noise": 0}}):
            (record,) = judge({**compare, "left": {**leaf(), **named}}, rows).parts
            assert record.pooled == "", named

    def test_by_under_a_bound_seed_chooses_within_it(self, judge: Judge) -> None:
        rows = {
            ("ssd@a=1", "accuracy", "test"): [0.3, 0.4], ("ssd@a=1", "accuracy", "validation"): [0.9, 0.1],
            ("ssd@a=2", "accuracy", "test"): [0.5, 0.6], ("ssd@a=2", "accuracy", "validation"): [0.2, 0.8],
        }  # fmt: skip
        compare = {"left": self.best(by={"split": "validation"}), "is": "above", "right": 0}
        (record,) = judge({"for_each": {"seed": "all"}, "that": compare}, rows).parts
        assert record.left_seeds == (0.3, 0.6)


@pytest.mark.parametrize(
    ("relation", "below", "equal", "above"),
    [
        ("above", False, False, True), ("at_least", False, True, True), ("below", True, False, False),
        ("at_most", True, True, False),
    ],
)  # fmt: skip
def test_relations_up_to_rounding(relation: str, below: bool, equal: bool, above: bool) -> None:
    assert holds(relation, 0.5, [0.9 - 0.03]) is below
    assert holds(relation, 0.87, [0.9 - 0.03]) is equal
    assert holds(relation, 0.9, [0.9 - 0.03]) is above


def test_within_and_between_include_their_ends() -> None:
    assert holds("within", 0.9, [0.88], 0.02)
    assert not holds("within", 0.901, [0.88], 0.02)
    assert holds("between", 0.5, [0.6, 0.5])
    assert not holds("between", 0.49, [0.6, 0.5])
