"""Confidence over items: paired, bootstrapped, seeds resampled only where there are ten, Wilson for yes and no."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from neurosieve.evaluation.claims.verdicts import Verdict

Judge = Callable[..., Verdict]


def leaf(of: str) -> dict[str, Any]:
    return {"metric": "accuracy", "of": of}


def beats(**fields: Any) -> dict[str, Any]:
    return {"left": leaf("a"), "is": "above", "right": leaf("b"), **fields}


ITEM_SCHEMA = ("study", "variant", "seed", "scale", "metric", "split", "value", "item")


def item_table(values: dict[str, np.ndarray], shift: int = 0) -> pl.DataFrame:
    """Values of shape (seeds, items) by variant; `shift` gives every seed its own items."""
    return pl.DataFrame(
        [
            ("s", name, 11 + seed, "default", "accuracy", "test", float(value), f"i{place + shift * seed}")
            for name, table in values.items()
            for seed, row in enumerate(table)
            for place, value in enumerate(row)
        ],
        schema=ITEM_SCHEMA,
        orient="row",
    )


def means(values: dict[str, np.ndarray]) -> dict[Any, Any]:
    return {(name, "accuracy", "test"): table.mean(axis=1).tolist() for name, table in values.items()}


def measured(seeds: int, items: int, gain: float, seed_sd: float = 0.0) -> dict[str, np.ndarray]:
    """Paired: both variants share the difficulty of an item; a is better by `gain`, up to noise of sd .5."""
    rng = np.random.default_rng(seeds * 100 + items)
    b = rng.normal(10, 3, (1, items)) + np.zeros((seeds, 1))
    return {"b": b, "a": b + gain + rng.normal(0, 0.5, b.shape) + rng.normal(0, seed_sd, (seeds, 1))}


class TestItems:
    def run(self, judge: Judge, values: dict[str, np.ndarray], confidence: Any, **fields: Any) -> Verdict:
        table = item_table(values, fields.pop("shift", 0))
        return judge(beats(confidence=confidence), means(values), items=table, min_seeds=1, **fields)

    @pytest.mark.parametrize(
        "confidence",
        [
            {"interval": 0.95, "units": "items"}, {"p": 0.05, "test": "wilcoxon", "units": "items"},
            {"se": 3, "units": "items"},
            {"p": 0.05, "test": "t", "units": "items"}, {"sd": 0.1, "units": "items"},
            {"p": 0.05, "test": "sign", "units": "items"},
        ],
    )  # fmt: skip
    def test_one_model_is_judged_over_items(self, judge: Judge, confidence: Any) -> None:
        assert self.run(judge, measured(1, 60, 0.4), confidence).verdict == "holds"
        assert self.run(judge, measured(1, 60, -0.4), confidence).verdict == "fails"

    def test_items_are_paired(self, judge: Judge) -> None:
        (record,) = self.run(judge, measured(1, 60, 0.4), {"interval": 0.95, "units": "items"}).parts
        # Unpaired, the interval would be 3 * 2 * 1.96 * sqrt(2 / 60) = 2.1 wide.
        assert record.high - record.low == pytest.approx(2 * 1.96 * 0.5 / 60**0.5, rel=0.3)
        assert record.items == 60

    def test_both_is_the_wider_one(self, judge: Judge) -> None:
        values = measured(4, 80, 1.0, seed_sd=0.5)
        over = {
            unit: self.run(judge, values, {"interval": 0.95, "units": unit}).parts[0]
            for unit in ("seeds", "items", "both")
        }
        width = {unit: record.high - record.low for unit, record in over.items()}
        assert width["both"] == max(width["seeds"], width["items"]) == width["seeds"]
        flat = measured(4, 8, 1.0)
        flat["a"] = flat["b"] + 1 + np.linspace(-3, 3, 8)
        assert self.run(judge, flat, {"interval": 0.95, "units": "both"}).verdict == "fails"
        assert self.run(judge, flat, {"interval": 0.95, "units": "seeds"}).verdict == "holds"

    def test_seeds_are_resampled_from_ten_on(self, judge: Judge) -> None:
        values = measured(12, 50, 1.0, seed_sd=1.0)
        (both,) = self.run(judge, values, {"interval": 0.95, "units": "both"}, seeds=range(11, 23)).parts
        (items,) = self.run(judge, values, {"interval": 0.95, "units": "items"}, seeds=range(11, 23)).parts
        assert both.high - both.low > 2 * (items.high - items.low)

    def test_every_seed_may_have_its_own_items(self, judge: Judge) -> None:
        (record,) = self.run(judge, measured(3, 20, 0.4), {"interval": 0.95, "units": "items"}, shift=1000).parts
        assert record.items == 60

    def test_trials_that_succeed_or_not_take_wilson(self, judge: Judge) -> None:
        values = {"a": np.array([[1.0] * 18 + [0.0] * 2])}
        compare = {"left": leaf("a"), "is": "above", "right": 0.5, "confidence": {"interval": 0.95, "units": "items"}}
        (record,) = judge(compare, means(values), items=item_table(values), min_seeds=1).parts
        assert (record.low + 0.5, record.high + 0.5) == pytest.approx((0.699, 0.972), abs=1e-3)

    def test_missing_and_unpaired_items(self, judge: Judge) -> None:
        values = measured(1, 20, 1)
        compare = beats(confidence={"interval": 0.95, "units": "items"})
        verdict = judge(compare, means(values), min_seeds=1)
        assert verdict.verdict == "not decided"
        assert "there are no items" in verdict.reason
        assert judge(beats(), means(values), min_seeds=1).verdict == "holds"
        table = item_table(values)
        unpaired = table.filter((pl.col("variant") == "a") | (pl.col("item") != "i3"))
        verdict = judge(compare, means(values), items=unpaired, min_seeds=1)
        assert verdict.verdict == "inconclusive"
        assert "items not paired" in verdict.reason

    def test_is_the_same_every_time(self, judge: Judge) -> None:
        values = measured(3, 30, 0.1)
        first, second = (self.run(judge, values, {"interval": 0.95, "units": "items"}).parts[0] for _ in range(2))
        assert (first.low, first.high) == (second.low, second.high)


@pytest.mark.parametrize("over", ["mean", "median"])
def test_seeds_of_both_signs_are_resampled_before_their_mean_loses_its_sign(judge: Judge, over: str) -> None:
    values = np.random.default_rng(1).normal(0.01, 0.15, 60)
    compare = {"left": {"abs": {**leaf("a"), "over": over}}, "is": "below", "right": 0.08}
    (record,) = judge(compare, {("a", "accuracy", "test"): values.tolist()}, min_seeds=30).parts
    size = abs(getattr(np, over)(values))
    assert record.left == pytest.approx(size)
    assert record.low <= size - 0.08 <= record.high < np.abs(values).mean() - 0.08
    assert record.passing is None


@pytest.mark.parametrize(("count", "known"), [(9, False), (10, True)])
def test_a_root_mean_square_has_an_interval_from_ten_seeds_on(judge: Judge, count: int, known: bool) -> None:
    values = np.random.default_rng(2).normal(0, 1, count)
    compare = {"left": {**leaf("a"), "over": "rms"}, "is": "above", "right": 0}
    (record,) = judge(compare, {("a", "accuracy", "test"): values.tolist()}, min_seeds=1).parts
    size = np.sqrt(np.mean(values**2))
    assert (record.low is not None) is known
    assert not known or 0 < record.low < size < record.high
