"""From rows to outcomes: three of them, two-sided, shared over attacks and attempts."""

import dataclasses
import math

import numpy as np
import polars as pl
import pytest

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.errors import UserError
from neurosieve.evaluation.attacks.intervals import CHANCE, Null, of_rows
from neurosieve.evaluation.attacks.tidy import decided, reported
from neurosieve.evaluation.evidence import NO_REFERENCE, TITLES, conclusion, findings, remarks


def attack(name, shift, rows=2000, margin=0.1, null=CHANCE, seed=0, others=None, **more):
    draw = np.random.default_rng(seed)
    estimate = of_rows((draw.normal(shift, 1, rows), draw.normal(0, 1, rows)))
    return list(decided(name, estimate, null, margin, rows, others or rows, **more))


def outcomes(*attacks, **options):
    return [one.outcome for one in findings(frame([row for rows in attacks for row in rows]), **options)]


def test_three_outcomes():
    clean, few, trace = attack("loss", 0), attack("loss", 0, rows=20), attack("loss", 1)
    assert outcomes(clean) == ["no trace"]
    assert outcomes(few) == ["not resolvable"]
    assert outcomes(trace) == ["trace found"]
    assert TITLES[conclusion(findings(frame(trace)))] == "refused"


def test_too_much_forgetting_is_a_trace():
    """An AUC near 0 is no better than chance: the absence itself is visible."""
    (found,) = findings(frame(attack("loss", -3)))
    assert found.estimate < 0.05
    assert found.outcome == "trace found"
    assert "their absence shows" in found.why


def test_margin_lies_about_the_null():
    """Retrained models give 0.24 on these rows: so does a model without a trace, and chance is none."""
    retrained = Null(0.24, 0.2, 0.28)
    assert outcomes(attack("loss", -1, null=retrained)) == ["no trace"]
    assert outcomes(attack("loss", 0, null=retrained)) == ["trace found"]


def test_error_is_shared_over_attacks_and_attempts():
    alone = attack("loss", 0.5, rows=600)
    error = next(row.value for row in alone if row.metric == "evidence_outside_p")
    assert 0.0005 < error < 0.01
    assert outcomes(alone, error=1.8 * error) == ["trace found"]
    assert outcomes(alone, error=1.8 * error, attempt=2) == ["not resolvable"]
    among = [attack(name, 0.2, rows=600) for name in ("entropy", "u-lira")]
    assert outcomes(alone, *among, error=1.8 * error) == ["not resolvable"] * 3
    assert outcomes(alone, *among, error=6.1 * error)[0] == "trace found"
    (found,) = findings(frame(alone), error=0.05, attempt=3)
    assert found.level == pytest.approx(0.05 * 6 / math.pi**2 / 9)


def test_outcomes_by_chance_keep_the_stated_error():
    """Five attacks at the margin's very edge, many times: seldom does any of them call a trace or its absence."""
    draw, edge, called = np.random.default_rng(5), 0.3583, []
    for _ in range(150):
        attacks = [attack(f"a{k}", edge, rows=400, seed=draw.integers(1 << 30)) for k in range(5)]
        called += [set(outcomes(*attacks, error=0.2))]
    for outcome in ("trace found", "no trace"):
        assert np.mean([outcome in one for one in called]) < 0.15


def test_power():
    (found,) = findings(frame(attack("loss", 0, before=0.52, before_p=0.4)))
    assert found.outcome is None
    assert conclusion([found]) == "not resolvable"
    assert "nothing in the model before either (0.52)" in found.why
    assert outcomes(attack("loss", 0, before=0.9, before_p=1e-6)) == ["no trace"]


def test_what_is_reported_decides_nothing():
    rows = [*attack("loss", 0), *reported("klom", [0.5, 0.7], [0.4, 0.6], 16), *reported("weights", [0.3], [], 5)]
    found = findings(frame(rows))
    assert [one.outcome for one in found] == ["no trace", None, None]
    assert [one.unit for one in found] == ["rows", "models", "rows"]
    assert found[2].null_low is None
    assert conclusion(found) == "no trace"
    assert conclusion(found[1:]) == "not resolvable"


def test_resolvability_stands_beside():
    (many,) = findings(frame(attack("loss", 0, rows=54, others=10**6)))
    assert many.half_width == pytest.approx(0.57 / 54**0.5, rel=0.01)
    (found,) = findings(frame(attack("loss", 0, rows=54)))
    assert found.half_width == pytest.approx(2**0.5 * many.half_width, rel=0.01)
    assert found.smallest_fpr == pytest.approx(1 / 54)
    assert "54 rows resolve ±0.11 at best, the margin is 0.1" in found.why
    (line,) = remarks(frame(attack("loss", 0, rows=54)))
    assert line.startswith("54 rows never trained on resolve false-positive rates down to 1.9 %")
    assert "rate of 0.1 % is not resolvable" in line
    assert "not resolvable" not in remarks(frame(attack("loss", 0, rows=2000)))[0]


def test_models_and_targets_are_apart():
    table = frame(attack("loss", 0)).with_columns(pl.lit("ssd").alias("variant"), pl.lit("onnx").alias("target"))
    table = pl.concat([table, frame(attack("loss", 1)).with_columns(pl.lit("retrained").alias("variant"))])
    found = findings(table)
    assert [(one.variant, one.target, one.outcome) for one in found] == [
        ("ssd", "onnx", "no trace"),
        ("retrained", "", "trace found"),
    ]
    assert findings(table.clear()) == []
    assert dataclasses.asdict(found[0])["n"] == 2000


def test_remarks():
    def told(**values):
        return remarks(frame(Measure(f"evidence_{name}", value, n=54) for name, value in values.items()))

    assert told(retrained=0, unlearned=0)[0] == NO_REFERENCE
    assert told(retrained=5, unlearned=0) == [
        "5 retrained models: their spread is the null; no shadow models that unlearned"
    ]
    assert "2 of 54 rows have an exact copy and 3 a near-duplicate" in told(copies=2, near_copies=3)[0]
    invalid = frame([*attack("loss", 0), Measure("evidence_invalid", 1, at={"attack": "relearning"})])
    assert [one.attack for one in findings(invalid)] == ["loss"]
    assert remarks(invalid)[1:] == ["relearning shows nothing: retrained models relearn no later than the model before"]
    assert told(copies=0, near_copies=0, unchanged=1) == ["the rows to forget are answered as before"]


def test_refusals():
    with pytest.raises(UserError, match="nothing can be concluded"):
        conclusion([])
    with pytest.raises(UserError, match="attempts count from 1"):
        findings(frame([]), attempt=0)
