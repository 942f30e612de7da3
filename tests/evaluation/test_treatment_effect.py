import numpy as np
import polars as pl
import pytest
from tests.causal import families, fresh, simulated

from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation.treatment_effect import Params, evaluate
from neurosieve.evaluation.vocabulary import metric


def with_estimates(estimate, error, **params):
    model = fresh(**params)
    return model.with_(system=model.system.changed(estimate=np.array(estimate), error=np.array(error)))


def test_rows_of_every_study_at_every_scenario():
    data = simulated(size=200, studies=3)
    model = with_estimates([[1.1, 2.0], [0.5, 1.0], [9, 9]], [[0.1, 0.1], [0.1, 0.6], [1, 1]], scenarios=["m1", "m2"])
    rows = evaluate(View(data, model), Params(replicates=2))
    assert set(rows["seed"]) == {0, 1}
    assert all(metric(name).known for name in rows["metric"].unique())
    value = {(one["metric"], one["seed"], one["at"]): one["value"] for one in rows.iter_rows(named=True)}
    assert value["estimation_error", 0, "scenario=m1"] == pytest.approx(0.1)
    assert [value["covers", s, f"scenario={m}"] for s in (0, 1) for m in ("m1", "m2")] == [1, 0, 0, 1]
    assert value["estimate_low", 1, "scenario=m2"] == pytest.approx(1 - 1.959964 * 0.6)
    a, y = data.train["a"][1], data.train["y"][1]
    assert value["raw_difference", 1, ""] == pytest.approx(y[a == 1].mean() - y[a == 0].mean())


def test_without_the_truth_no_error_is_written_and_the_seed_is_the_nodes():
    rows = evaluate(View(families(), with_estimates([[3.0]], [[1.0]])), Params())
    assert rows["seed"].is_null().all()
    assert set(rows["metric"]) == {"estimate", "estimate_low", "raw_difference"}
    assert rows.filter(pl.col("metric") == "estimate_low")["value"][0] == pytest.approx(3 - 1.959964)
    assert rows["n"].unique().to_list() == [1500]


def test_triples_are_named_by_their_learners():
    model = with_estimates(np.zeros((2, 8)), np.ones((2, 8)), library=["linear", "boosting"])
    rows = evaluate(View(simulated(200), model), Params(replicates=2))
    assert "triple=linear-boosting-linear" in set(rows["at"])
    assert len(rows.filter(pl.col("metric") == "covers")) == 16


def test_other_models_and_too_many_studies_are_one_line():
    with pytest.raises(UserError, match=r"looks at models of causal.estimator"):
        evaluate(View(simulated(200), Model(object(), "x", {}, {})), Params())
    with pytest.raises(UserError, match="3 replicates are asked for, but the model estimated 1 studies"):
        evaluate(View(simulated(200), with_estimates([[1.0]], [[1.0]])), Params(replicates=3))
