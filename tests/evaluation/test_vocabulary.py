from __future__ import annotations

from pathlib import Path

import pytest

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims.grammar import parse_claims
from neurosieve.plan import yaml12

CLAIMS = Path(__file__).parents[1] / "data" / "claims"


def test_every_entry_is_complete() -> None:
    listed = vocabulary.vocabulary()
    assert len(listed) > 200
    assert list(listed) == sorted(listed)
    for name, metric in listed.items():
        assert metric.name == name
        assert metric.direction in ("higher", "lower", "ref")
        assert metric.home in ("", "test", "validation", "forget")
        assert metric.unit
        assert metric.definition


@pytest.mark.parametrize(
    ("name", "unit", "direction", "home"),
    [
        ("accuracy", "share", "higher", "test"),
        ("mia_success", "share", "ref", "forget"),
        ("intervention_seconds", "s", "lower", ""),
        ("tokens_per_second", "1/s", "higher", ""),
        ("train_flops", "count", "lower", ""),
        ("covers", "0/1", "ref", ""),
        ("ece_matched", "share", "lower", "test"),
        ("relative_error_matched", "–", "lower", "test"),
        ("mean_cost.spearman.lambda", "[-1, 1]", "ref", "test"),
        ("overlap.spread.r", "[-1, 1]", "lower", ""),
        ("train_seconds.r2.places", "share", "higher", ""),
        ("log_step_seconds.slope.log_N", "", "ref", ""),
        ("my_own_metric", "", "ref", "test"),
    ],
)
def test_metrics(name: str, unit: str, direction: str, home: str) -> None:
    assert (vocabulary.unit(name), vocabulary.direction(name), vocabulary.home_split(name)) == (unit, direction, home)


def test_unlisted_names_are_told_apart() -> None:
    assert not vocabulary.metric("my_own_metric").known
    assert not vocabulary.metric("my_own_metric_matched").known
    assert vocabulary.metric("accuracy.slope.task").known


def test_written_claims_use_listed_metrics() -> None:
    for path in CLAIMS.glob("*.yaml"):
        written = yaml12.load(path)
        for claim in parse_claims(written["study"], written["claims"]):
            assert [metric for metric in claim.metrics if not vocabulary.metric(metric).known] == []
