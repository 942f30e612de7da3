import polars as pl
import pytest

from neurosieve.evaluation.associative.phase import Params, evaluate


def test_overlap_falls_with_load_and_entropy_as_the_formula_says(memory, values):
    params = Params(replicates=30, networks={2: (300, (0.05, 0.2))}, entropies=(0, 1.0))
    frame = evaluate(memory(2, 300, 60), params, 11)
    overlap, theory = values(frame, "overlap"), values(frame, "overlap_theory")
    assert list(overlap) == [f"P=2,alpha={a},rho={r}" for a in (0.05, 0.2) for r in (0.0, 1.0)]
    # a load of 0.05 holds 15 archetypes here, fewer than the replicates
    assert frame.filter((pl.col("metric") == "overlap") & pl.col("at").str.contains("0.2,"))["seed"].max() == 29
    for at, value in overlap.items():
        assert value == pytest.approx(theory[at], abs=0.06)


def test_a_model_of_another_order_has_no_rows(memory):
    assert len(evaluate(memory(4, 30, 10), Params(networks={2: (30, (0.1,))}), 11)) == 0
