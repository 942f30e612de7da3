"""Verdicts: their order, what is missing, confidence over seeds and items, and how often luck holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from neurosieve.evaluation.claims.decide import decide
from neurosieve.evaluation.claims.grammar import claim_hash, parse_claims
from neurosieve.evaluation.claims.grid import Grid, VariantGrid
from neurosieve.evaluation.claims.verdicts import Verdict

Judge = Callable[..., Verdict]


def leaf(of: str, **fields: Any) -> dict[str, Any]:
    return {"metric": "accuracy", "of": of, **fields}


def beats(**fields: Any) -> dict[str, Any]:
    return {"left": leaf("a"), "is": "above", "right": leaf("b"), **fields}


def against(differences: list[float], base: float = 10.0) -> dict[Any, Any]:
    """Rows of a and b with these paired differences; b's values vary more than the differences do."""
    spread = [base + 3 * place for place in range(len(differences))]
    return {
        ("b", "accuracy", "test"): spread,
        ("a", "accuracy", "test"): [value + gap for value, gap in zip(spread, differences, strict=True)],
    }


ABOVE = against([1, 2, 3])


CONTROL_FALSE = {"left": leaf("a"), "is": "below", "right": 0}


class TestOrder:
    def test_smoke_decides_nothing(self, judge: Judge) -> None:
        verdict = judge(beats(), ABOVE, scale="smoke")
        assert (verdict.verdict, verdict.reason) == ("not decided", "smoke scale: mechanics only")
        assert verdict.firm is None
        assert verdict.luck is None

    def test_nothing_at_this_scale(self, judge: Judge) -> None:
        assert judge(beats(), ABOVE, scale="full").reason == "nothing was measured at scale full"

    def test_missing_comes_before_a_failed_control(self, judge: Judge) -> None:
        rows = {key: values for key, values in ABOVE.items() if key[0] == "a"}
        verdict = judge(beats(), rows, requires=CONTROL_FALSE)
        assert (verdict.verdict, verdict.reason) == ("not decided", "variant b was not computed")

    def test_missing_anywhere_is_not_decided_even_where_logic_could_tell(self, judge: Judge) -> None:
        rows = {key: values for key, values in ABOVE.items() if key[0] == "a"}
        criterion = {"any_of": [{"left": leaf("a"), "is": "above", "right": 0}, beats()]}
        assert judge(criterion, rows).verdict == "not decided"

    def test_a_failed_control_is_inconclusive(self, judge: Judge) -> None:
        verdict = judge(beats(), ABOVE, requires=CONTROL_FALSE)
        assert verdict.verdict == "inconclusive"
        assert verdict.reason.startswith("the control does not hold: accuracy a is 15, asked below 0")

    def test_inconclusive_if_is_looked_at_only_when_the_criterion_is_false(self, judge: Judge) -> None:
        tie = {**beats(), "is": "within", "margin": 100}
        assert judge(beats(), ABOVE, inconclusive_if=tie).verdict == "holds"
        assert judge(beats(), against([-1, -2, -3]), inconclusive_if=tie).verdict == "inconclusive"
        assert judge(beats(), against([-1, -2, -3]), inconclusive_if={**tie, "margin": 1}).verdict == "fails"

    def test_min_seeds(self, judge: Judge) -> None:
        verdict = judge(beats(), ABOVE, min_seeds=5)
        assert (verdict.verdict, verdict.reason) == ("inconclusive", "3 seeds, and the claim needs 5")
        assert judge(beats(), against([1]), min_seeds=1).verdict == "holds"
        assert judge(beats(), against([1])).reason == "1 seed, and the claim needs 2"
        assert judge({"for_each": {"seed": "all"}, "that": beats()}, ABOVE, min_seeds=5).verdict == "inconclusive"


class TestWhatIsMissing:
    def test_not_finite(self, judge: Judge) -> None:
        for value in (float("nan"), float("inf"), None):
            verdict = judge(beats(), {**ABOVE, ("b", "accuracy", "test"): [1, value, 2]})
            assert verdict.verdict == "inconclusive"
            assert verdict.reason == "accuracy b, seed 12: the value is not finite"

    def test_a_value_that_is_not_finite_elsewhere_does_not_count(self, judge: Judge) -> None:
        rows = {**ABOVE, ("b", "accuracy", "train"): [1, float("nan"), 2]}
        assert judge(beats(), rows).verdict == "holds"

    def test_seeds_not_paired(self, judge: Judge) -> None:
        verdict = judge(beats(), {**ABOVE, ("b", "accuracy", "test"): {11: 1, 12: 1}})
        assert verdict.verdict == "inconclusive"
        assert verdict.reason == "seeds not paired: accuracy a has 11, 12, 13, accuracy b has 11, 12"

    def test_welch_needs_no_pairs(self, judge: Judge) -> None:
        rows = {("a", "accuracy", "test"): [10, 11, 12], ("b", "accuracy", "test"): {1: 1, 2: 2, 3: 1, 4: 2}}
        assert judge(beats(confidence={"p": 0.01, "test": "welch"}), rows).verdict == "holds"

    def test_two_values_for_one_seed(self) -> None:
        claims = parse_claims("s", [{
            "id": "C1", "says": "x", "metrics": ["accuracy"], "variants": ["a"], "min_seeds": 1,
            "criterion": {"left": leaf("a"), "is": "above", "right": 0},
        }])  # fmt: skip
        rows = pl.DataFrame({"variant": ["a", "a"], "metric": ["accuracy"] * 2, "seed": [1, 1], "value": [0.5, 0.6],
                             "split": ["test"] * 2})  # fmt: skip
        (verdict,) = decide("s", claims, rows, items=None, grid=Grid({}, [1]), scale="default")
        assert verdict.reason == "accuracy a: two different values for the same seed"
        (verdict,) = decide("s", claims, rows[:1], items=None, grid=Grid({}, [1]), scale="default")
        assert verdict.verdict == "holds"

    def test_declared_absent(self, judge: Judge) -> None:
        absent = {"b": "the peer library is not installed"}
        verdict = judge(beats(), ABOVE, absent=absent)
        assert (verdict.verdict, verdict.reason) == (
            "not decided", "b was not computed: the peer library is not installed",
        )  # fmt: skip
        rows = {("a@K=1", "accuracy", "test"): [1, 1], ("a@K=2", "accuracy", "test"): [1, 1]}
        criterion = {"left": leaf("a", at={"K": [1, 3]}), "is": "above", "right": 0}
        assert judge(criterion, rows, absent={"K=3.0": "full scale only"}).reason == (
            "K=3.0 was not computed: full scale only"
        )
        assert judge(criterion, rows, absent={"seeds": "full only"}, min_seeds=9).reason == "full only"

    def test_what_is_not_drawn_pairs_with_every_seed(self, judge: Judge) -> None:
        rows = {**ABOVE, ("b", "accuracy", "test"): {0: 5}}
        assert judge(beats(), rows).verdict == "inconclusive"
        verdict = judge(beats(), rows, fixed=["b"], min_seeds=3)
        assert verdict.verdict == "holds"
        assert verdict.parts[0].right_seeds == (5, 5, 5)

    def test_nothing_drawn_at_all_is_a_point_and_needs_no_seeds(self, judge: Judge) -> None:
        rows = {("a", "accuracy", "test"): {0: 7}, ("b", "accuracy", "test"): {0: 5}}
        verdict = judge(beats(confidence={"interval": 0.95}), rows, fixed=["a", "b"], min_seeds=10)
        assert (verdict.verdict, verdict.strength) == ("holds", "firm")
        assert (verdict.parts[0].low, verdict.parts[0].high) == (2, 2)


class TestConfidence:
    """Differences 1, 2, 3: mean 2, standard error .577, t 3.46, one-sided p .037, 95 % interval -.48 to 4.48."""

    @pytest.mark.parametrize(
        ("confidence", "verdict"),
        [
            ({"interval": 0.95}, "fails"), ({"interval": 0.90}, "holds"), ({"p": 0.05, "test": "t"}, "holds"),
            ({"p": 0.03, "test": "t"}, "fails"), ({"se": 3.4}, "holds"), ({"se": 3.5}, "fails"), ({"sd": 1.9}, "holds"),
            ({"sd": 2.1}, "fails"), ({"p": 0.2, "test": "sign"}, "holds"), ({"p": 0.1, "test": "sign"}, "inconclusive"),
            ({"p": 0.2, "test": "wilcoxon"}, "holds"), ({"p": 0.1, "test": "wilcoxon"}, "inconclusive"),
            ({"p": 0.3, "test": "welch"}, "holds"), ({"p": 0.2, "test": "welch"}, "fails"),
        ],
    )  # fmt: skip
    def test_rules(self, judge: Judge, confidence: Any, verdict: str) -> None:
        result = judge(beats(confidence=confidence), ABOVE)
        assert result.verdict == verdict
        if verdict == "inconclusive":
            assert "cannot reach p < 0.1 with 3 values (at best 0.125)" in result.reason

    def test_record(self, judge: Judge) -> None:
        (record,) = judge(beats(confidence={"p": 0.05, "test": "t"}), ABOVE).parts
        assert record.p == pytest.approx(0.03709, abs=1e-5)
        assert (record.low, record.high) == pytest.approx((-0.484, 4.484), abs=1e-3)
        assert (record.left, record.right, record.difference, record.threshold) == (15, 13, 2, 0)
        assert (record.n, record.passing, record.sign_probability) == (3, 3, 0.125)
        assert record.left_seeds == (11, 15, 19)

    @pytest.mark.parametrize("relation", ["below", "at_most"])
    def test_other_side(self, judge: Judge, relation: str) -> None:
        assert judge({**beats(confidence={"interval": 0.9}), "is": relation}, against([-1, -2, -3])).verdict == "holds"
        assert judge({**beats(confidence={"interval": 0.9}), "is": relation}, ABOVE).verdict == "fails"

    def test_within_needs_the_whole_interval_inside(self, judge: Judge) -> None:
        # 90 % half-width 2.92 * .577 = 1.686: interval .314 to 3.686.
        compare = {**beats(confidence={"interval": 0.90}), "is": "within"}
        assert judge({**compare, "margin": 3.7}, ABOVE).verdict == "holds"
        assert judge({**compare, "margin": 3.6}, ABOVE).verdict == "fails"

    def test_between_needs_the_whole_interval_between(self, judge: Judge) -> None:
        rows = {("a", "accuracy", "test"): [1.0, 2.0, 3.0]}
        compare = {"left": leaf("a"), "is": "between", "confidence": {"interval": 0.90}}
        assert judge({**compare, "right": [4, 0.3]}, rows).verdict == "holds"
        assert judge({**compare, "right": [0.4, 4]}, rows).verdict == "fails"

    @pytest.mark.parametrize(("n", "reason"), [(1, "no interval from 1 seed"), (2, "no interval from 2 seeds")])
    def test_too_few_for_an_interval(self, judge: Judge, n: int, reason: str) -> None:
        verdict = judge(beats(confidence={"interval": 0.95}), against([1, 2, 3][:n]), min_seeds=1)
        assert (verdict.verdict, verdict.reason) == ("inconclusive", reason)

    def test_over_sd_has_no_interval(self, judge: Judge) -> None:
        compare = {"left": leaf("a", over="sd"), "is": "above", "right": 0, "confidence": {"interval": 0.95}}
        assert judge(compare, ABOVE).reason == "no interval: the seeds are not averaged here"

    def test_ratio_interval_is_that_of_the_logarithm(self, judge: Judge) -> None:
        rows = {("a", "accuracy", "test"): [2, 4, 8], ("b", "accuracy", "test"): [1, 1, 1]}
        (record,) = judge({"left": {"ratio": [leaf("a"), leaf("b")]}, "is": "above", "right": 1}, rows).parts
        half = 4.302653 * np.log(2) / 3**0.5
        assert record.scale == "ratio"
        assert (record.low, record.high) == pytest.approx((4 * np.exp(-half), 4 * np.exp(half)), rel=1e-6)
        assert record.threshold == 1

    def test_times_are_compared_as_ratios(self, judge: Judge) -> None:
        rows = {("a", "train_seconds", ""): [1, 2, 4], ("b", "train_seconds", ""): [2, 4, 8]}
        compare = {"left": {"metric": "train_seconds", "of": "a"}, "is": "below"}
        (record,) = judge({**compare, "right": {"metric": "train_seconds", "of": "b"}}, rows).parts
        assert (record.scale, record.low, record.high) == ("ratio", 0.5, 0.5)
        assert not record.uncertain

    def test_shares_near_one_are_compared_as_odds(self, judge: Judge) -> None:
        rows = {("a", "accuracy", "test"): [0.99, 0.98, 0.985], ("b", "accuracy", "test"): [0.96, 0.955, 0.97]}
        (record,) = judge(beats(), rows).parts
        odds = np.array([99, 49, 0.985 / 0.015]) / np.array([24, 0.955 / 0.045, 0.97 / 0.03])
        assert record.scale == "odds"
        assert record.low < np.exp(np.log(odds).mean()) < record.high

    def test_runs_that_succeed_or_not(self, judge: Judge) -> None:
        rows = {("a", "covers", ""): [1] * 27 + [0] * 3}
        compare = {"left": {"metric": "covers", "of": "a"}, "is": "at_least", "right": 0.8666}
        verdict = judge(compare, rows, min_seeds=30)
        assert verdict.verdict == "holds"
        assert verdict.strength == "fragile"
        assert (verdict.parts[0].low, verdict.parts[0].high) == pytest.approx(
            (0.7438 - 0.8666, 0.9654 - 0.8666), abs=1e-3
        )

    def test_rank_correlation_shows_its_luck(self, judge: Judge) -> None:
        rows = {("a", "mean_cost.spearman.lambda", "test"): [-1, -0.9, -1]}
        compare = {"left": {"metric": "mean_cost.spearman.lambda", "of": "a"}, "is": "at_most", "right": -0.9}
        (record,) = judge(compare, rows, n=5).parts
        assert record.permutation_probability == pytest.approx(5 / 120)


class TestOtherClaims:
    def claims(self, right: float) -> list[dict[str, Any]]:
        fields = {"metrics": ["accuracy"], "variants": ["a"]}
        return [
            {"id": "C0", "says": "all", "criterion": {"all_of": [{"claim": "C1"}, {"claim": "C2"}]}},
            {"id": "C1", "says": "up", "criterion": {"left": leaf("a"), "is": "above", "right": 0.5}, **fields},
            {"id": "C2", "says": "high", "criterion": {"left": leaf("a"), "is": "above", "right": right}, **fields},
        ]

    @pytest.mark.parametrize(
        ("right", "verdict", "strength"), [(0.6, "holds", "firm"), (0.9, "fails", "firm"), (0.79, "holds", "fragile")]
    )
    def test_a_claim_may_rest_on_others(self, right: float, verdict: str, strength: str) -> None:
        rows = pl.DataFrame({"variant": ["a"] * 3, "metric": ["accuracy"] * 3, "seed": [1, 2, 3], "split": ["test"] * 3,
                             "value": [0.79, 0.80, 0.81]})  # fmt: skip
        grid = Grid({"a": VariantGrid({}, [1, 2, 3], [])}, [1, 2, 3])
        found = decide("s", parse_claims("s", self.claims(right)), rows, items=None, grid=grid, scale="default")
        assert (found[0].verdict, found[0].strength) == (verdict, strength)
        assert [record.label for record in found[0].parts] == ["claim C1", "claim C2"]

    def test_not_decided_passes_on(self) -> None:
        rows = pl.DataFrame({"variant": ["b"], "metric": ["accuracy"], "seed": [1], "split": ["test"], "value": [1.0]})
        found = decide("s", parse_claims("s", self.claims(0)), rows, items=None, grid=Grid({}, []), scale="default")
        assert found[0].reason == "claim C1 is not decided: variant a was not computed"


def test_report_never_decides(judge: Judge) -> None:
    report = [leaf("a"), {"ratio": [leaf("a"), leaf("gone")]}]
    verdict = judge(beats(), ABOVE, report=report)
    assert verdict.verdict == "holds"
    first, second = verdict.report
    assert (first.label, first.value, first.seeds, first.seed_values) == ("accuracy a", 15, (11, 12, 13), (11, 15, 19))
    assert (second.value, second.reason) == (None, "variant gone was not computed")


def test_verdict_carries_what_the_page_needs(judge: Judge) -> None:
    verdict = judge(beats(), ABOVE, paper="p. 3", repaired="margin")
    assert (verdict.study, verdict.claim, verdict.paper, verdict.repaired) == ("s", "C1", "p. 3", "margin")
    assert (verdict.criterion, verdict.seeds, verdict.luck) == ("accuracy a above accuracy b", (11, 12, 13), 0.5)
    assert len(verdict.hash) == 64
    assert verdict.reason == (
        "accuracy a is 15, asked above accuracy b = 13 (95 % interval of the difference -0.4841 to 4.484), 3 of 3 seeds"
    )


def test_hash_counts_the_evaluations() -> None:
    raw = [{"id": "C1", "says": "x", "criterion": {"left": 1, "is": "above", "right": 0}}]
    claims, params = parse_claims("s", raw), {"classification": {"batch": 8}}
    empty = pl.DataFrame(schema={"variant": pl.String, "metric": pl.String, "seed": pl.Int64, "value": pl.Float64})
    (verdict,) = decide("s", claims, empty, items=None, grid=Grid({}, []), scale="default", evaluation_params=params)
    assert verdict.hash == claim_hash(claims[0], params)
    assert verdict.verdict == "holds"


@pytest.mark.parametrize(
    ("criterion", "percent"),
    [
        (beats(), 50.0),
        ({"for_each": {"seed": "all"}, "that": beats()}, 12.5),
        ({"for_each": {"seed": "all"}, "need": 0.66, "that": beats()}, 50.0),
        (beats(confidence={"se": 2}), 9.2),
        (beats(confidence={"p": 0.1, "test": "t"}), 10.0),
        (beats(confidence={"interval": 0.95}), 2.5),
        (beats(confidence={"p": 0.1, "test": "wilcoxon"}), 0.0),
    ],
)
def test_an_effect_on_the_threshold_holds_by_luck_as_often_as_stated(
    judge: Judge, criterion: dict[str, Any], percent: float
) -> None:
    rng, trials = np.random.default_rng(5), 400
    verdicts = [judge(criterion, against(rng.normal(0, 1, 3).tolist(), base=50.0)) for _ in range(trials)]
    found = 100 * np.mean([verdict.verdict == "holds" for verdict in verdicts])
    assert found == pytest.approx(percent, abs=100 * 4 * np.sqrt(max(percent / 100, 0.0) / trials))
    luck = verdicts[0].luck
    assert luck is None or 100 * luck == pytest.approx(percent, abs=0.1)


def test_deciding_starts_without_heavy_packages() -> None:
    script = (
        "import sys, neurosieve.evaluation.claims.decide; "
        "print([name for name in ('torch', 'scipy', 'sklearn', 'matplotlib', 'numba') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
