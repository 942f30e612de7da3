"""Metrics of a model that is the truth, of relabelled ones, against scikit-learn; and refits beside originals."""

import numpy as np
import pytest
from sklearn.metrics import f1_score
from tests.support import forgetting

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import build_model
from neurosieve.artifacts.view import View
from neurosieve.datasets.neural import hmm_glm as simulated
from neurosieve.errors import UserError
from neurosieve.evaluation import hmm_glm, hmm_glm_refit

DATASET = simulated.prepare(simulated.Params(bins=300, train=3, test=4), 2)
DATA = Data.of(DATASET)
LANES = ("actual", "decoded", "path")


def truth(order=(0, 1, 2)):
    """The model with the true parameters, states in this order."""
    model = build_model("neural.hmm_glm", {}, {"input_shape": [300, 12]})
    weight = DATA.test["weight"][0][list(order)]
    stay = np.full((3, 3), 0.01) + 0.97 * np.eye(3)
    return model.with_(system=model.system.changed(weight=weight, bias=DATA.test["bias"][0], transition=stay))


def measured(model, data=DATA):
    rows = hmm_glm.evaluate(View(data, model), hmm_glm.Params())
    rows = rows.filter(rows["item"].is_null())
    return {(row["metric"], row["split"]): row["value"] for row in rows.iter_rows(named=True)}


def test_the_truth_scores_best_under_any_names_of_its_states():
    scores = measured(truth())
    assert scores["state_accuracy", "test"] > 0.9
    assert scores["path_accuracy", "test"] > 0.9
    assert scores["mse", "test"] == 0
    for metric in ("weight_correlation", "adjacency_f1", "edge_auc"):
        assert scores[metric, ""] == pytest.approx(1)
    for name, value in measured(truth((2, 0, 1))).items():
        assert value == pytest.approx(scores[name])
    worse = truth()
    noisy = worse.system.changed(weight=worse.system["weight"] + np.random.default_rng(0).normal(size=(3, 12, 12)))
    found = measured(worse.with_(system=noisy))
    for name in (("log_likelihood_per_spike", "test"), ("state_accuracy", "test"), ("adjacency_f1", "")):
        assert found[name] < scores[name]


def test_the_log_likelihood_is_the_sum_of_one_step_predictions_over_spikes():
    system, counts = truth().system, DATA.test.x.astype(float)
    emission, filtered = system.emission(counts), system.filtered(counts)
    ahead = np.concatenate([np.full((4, 1, 3), 1 / 3), filtered[:, :-1] @ system["transition"]], axis=1)
    expected = np.log((ahead * np.exp(emission)).sum(axis=-1)).sum() / counts.sum()
    assert measured(truth())["log_likelihood_per_spike", "test"] == pytest.approx(expected)


def test_forgotten_and_retained_rows_are_measured_where_the_study_forgets():
    scores = measured(truth(), forgetting(DATASET, np.array([1])))
    assert {split for metric, split in scores if metric == "log_likelihood_per_spike"} == {"test", "forget", "retain"}


def test_states_too_many_or_one_break_nothing():
    model = build_model("neural.hmm_glm", {"states": 1}, {"input_shape": [300, 12]})
    scores = measured(model)
    assert scores["state_accuracy", "test"] == pytest.approx(1 / 3)
    assert ("weight_correlation", "") not in scores
    many = build_model("neural.hmm_glm", {"states": 5}, {"input_shape": [300, 12]})
    assert measured(many)["state_accuracy", "test"] <= 1


def test_states_of_the_first_sequence_are_kept_beside_the_true_ones():
    rows = hmm_glm.evaluate(View(DATA, truth((1, 2, 0))), hmm_glm.Params())
    items = rows.filter(rows["item"].is_not_null())
    lanes = {lane: items.filter(items["at"] == f"lane={lane}")["value"].to_numpy() for lane in LANES}
    np.testing.assert_array_equal(lanes["actual"], DATA.test["states"][0])
    assert (lanes["actual"] == lanes["decoded"]).mean() > 0.85
    assert (lanes["actual"] == lanes["path"]).mean() > 0.85
    changes = {lane: np.count_nonzero(np.diff(states)) for lane, states in lanes.items()}
    assert changes["path"] <= changes["decoded"]  # a path pays for every change, bins by themselves do not


def test_a_target_is_judged_by_its_filter():
    system = truth().system
    view = View(DATA, truth(), "onnx-step", lambda inputs: system.filtered(inputs.astype(float)))
    rows = hmm_glm.evaluate(view, hmm_glm.Params())
    assert rows["metric"].to_list() == ["state_accuracy"]
    assert 0.75 < rows["value"][0] <= measured(truth())["state_accuracy", "test"] + 0.02


def test_the_score_is_scikit_learn_s():
    rng = np.random.default_rng(0)
    one, other = rng.integers(-1, 2, 200), rng.integers(-1, 2, 200)
    assert hmm_glm.macro_f1(one, other) == pytest.approx(f1_score(one, other, average="macro"))
    assert hmm_glm.macro_f1(np.zeros(3), np.zeros(3)) == pytest.approx(1 / 3)


def test_other_models_are_refused():
    with pytest.raises(UserError, match=r"models of neural.hmm_glm"):
        hmm_glm.evaluate(View(DATA), hmm_glm.Params())


def test_a_refit_is_compared_with_its_original_at_its_own_point():
    moved = truth((1, 2, 0))
    moved = moved.with_(system=moved.system.changed(weight=moved.system["weight"] + 0.1))
    names = {"fit@n=4": truth(), "fit-retrained@n=10": truth(), "fit@n=10": truth(), "fit-retrained@n=4": moved}
    view = View(DATA, variants={name: View(DATA, model) for name, model in names.items()})
    rows = hmm_glm_refit.evaluate(view, hmm_glm_refit.Params())
    values = dict(zip(rows["variant"], rows["value"], strict=True))
    assert values["fit-retrained@n=10"] == 0
    assert values["fit-retrained@n=4"] == pytest.approx(0.1 * np.sqrt(3 * 144))
