import polars as pl
import pytest

from neurosieve.evaluation.associative.thermal import Params, evaluate


@pytest.mark.parametrize("order", [2, 4])
def test_iteration_and_monte_carlo_agree_in_a_cold_and_lightly_loaded_memory(memory, values, order):
    view = memory(order, 400, 5)
    settings = {"spins": 400, "count": 5, "temperatures": (0.1,), "repeats": 1}
    frames = [evaluate(view, Params(method=method, **settings), 11) for method in ("plefka", "monte_carlo")]
    plefka, sampled, theory = (
        values(frames[i], name)["T=0.1"] for i, name in ((0, "overlap"), (1, "overlap"), (0, "overlap_theory"))
    )
    assert plefka == pytest.approx(sampled, abs=0.03)
    assert plefka == pytest.approx(theory, abs=0.05)


def test_seconds_are_timings_and_the_same_seed_gives_the_same_overlap(memory, values):
    view, params = memory(4, 50, 20), Params(spins=50, count=20, sweeps=20, repeats=1)
    one, other = (evaluate(view, params, 11) for _ in range(2))
    assert values(one, "overlap") == values(other, "overlap")
    assert one.filter(pl.col("timing"))["metric"].unique().to_list() == ["wall_seconds"]
    assert values(one, "overlap") != values(evaluate(view, params, 12), "overlap")
