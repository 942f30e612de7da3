"""Evidence rows of a collected table, as the page holds them."""

import polars as pl

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.evaluation.attacks.intervals import CHANCE, Estimate
from neurosieve.evaluation.attacks.tidy import decided
from neurosieve.views.site.evidence import evidence


def rows(variant, target, seed, value):
    estimate = Estimate(value, value, 0.01, "plain")
    measures = [*decided("loss", estimate, CHANCE, 0.1, 2000, 2000), Measure("evidence_retrained", 5, n=54)]
    return frame(measures).with_columns(
        pl.lit(variant).alias("variant"), pl.lit(target).alias("target"), pl.lit(seed, pl.Int64).alias("seed")
    )


def test_one_entry_per_model():
    table = pl.concat([rows("ssd", "native", 11, 0.5), rows("ssd", "onnx", 11, 0.9), rows("kept", "native", None, 0.5)])
    found = evidence(table)
    assert [(one.variant, one.target, one.seed, one.outcome) for one in found] == [
        ("ssd", "native", 11, "no trace"),
        ("ssd", "onnx", 11, "trace found"),
        ("kept", "native", None, "no trace"),
    ]
    assert found[0].attacks[0].why.startswith("rows ranked by the loss of their label: 0.50")
    assert "5 retrained models" in found[2].remarks[0]
    assert evidence(None) == ()
    assert evidence(table.filter(pl.col("metric") == "none")) == ()
