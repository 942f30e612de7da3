"""The warm start, what continuing does under each prior, and fitting on retained rows alone."""

import numpy as np
import pytest
from tests.support import forgetting

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.neural import hmm_glm as simulated
from neurosieve.errors import UserError
from neurosieve.interventions.adaptation import hmm_glm, hmm_glm_retained
from neurosieve.models.neural.hmm_glm import HmmGlm, Params

DATASET = simulated.prepare(simulated.Params(neurons=4, bins=100, train=3, test=1), 0)
WEIGHT = np.random.default_rng(0).normal(size=(3, 4, 4))


def naive():
    model = build_model("neural.hmm_glm", {}, {"input_shape": [100, 4]})
    return model.with_(system=model.system.changed(weight=WEIGHT))


def test_the_warm_start_has_the_naive_model_s_signs_and_strengths():
    warm = hmm_glm.warmed(naive().system, "onehot")
    np.testing.assert_allclose(warm["logits_adjacency"][..., 2], np.clip(2 * WEIGHT, -3, 3))
    np.testing.assert_allclose(warm["logits_adjacency"][..., 0], -np.clip(2 * WEIGHT, -3, 3))
    assert not warm["logits_adjacency"][..., 1].any()
    np.testing.assert_allclose(warm.strength, np.maximum(np.abs(WEIGHT), 0.05))
    np.testing.assert_allclose(warm["logits_prior"], warm["logits_adjacency"].mean(axis=0))
    strong = np.abs(WEIGHT) > 0.05
    np.testing.assert_allclose(warm.weights()[strong], WEIGHT[strong])
    np.testing.assert_allclose(hmm_glm.warmed(naive().system, "onehot", 0.7).strength.min(), 0.7)


def test_the_same_kind_goes_on_as_it_is_and_free_kinds_keep_their_weights():
    system = naive().system
    assert hmm_glm.warmed(system, "naive") is system
    np.testing.assert_array_equal(hmm_glm.warmed(system, "gaussian")["weight"], WEIGHT)
    onehot = hmm_glm.warmed(system, "onehot")
    np.testing.assert_array_equal(hmm_glm.warmed(onehot, "naive")["weight"], onehot.weights())
    categorical = hmm_glm.warmed(onehot, "categorical")
    assert categorical.params.kind == "categorical"
    assert all(np.array_equal(categorical[name], onehot[name]) for name in onehot.state)


def test_a_narrow_gaussian_prior_draws_states_together():
    data, spread = Data.of(DATASET), {}
    for sd in (0.02, 10.0):
        params = hmm_glm.Params(kind="gaussian", rounds=8, sd=sd)
        spread[sd] = hmm_glm.intervene(naive(), data, params, 1, Log()).system["weight"].std(axis=0).mean()
    assert spread[0.02] < 0.8 * spread[10.0]


def test_the_kind_is_stored_with_the_model_and_rounds_are_logged():
    log = Log()
    made = hmm_glm.intervene(naive(), Data.of(DATASET), hmm_glm.Params(rounds=3), 1, log)
    assert made.params["kind"] == "onehot"
    assert [row["epoch"] for row in log.history] == [1, 2, 3]
    assert log.timings.keys() == {"intervention_seconds"}
    assert HmmGlm(Params(kind="onehot"), 4).state.keys() == made.system.state.keys()


def test_retained_rows_alone_are_read():
    data = forgetting(DATASET, np.array([0]))
    params = hmm_glm_retained.Params(rounds=2)
    one = hmm_glm_retained.intervene(naive(), data, params, 1, Log()).system
    rest = Data(data.info, {"train": data.train.take(np.array([1, 2]))})
    other = hmm_glm.intervene(naive(), rest, params, 1, Log()).system
    assert all(np.array_equal(one[name], other[name]) for name in one.state)


def test_other_models_are_refused():
    with pytest.raises(UserError, match=r"fits models of neural.hmm_glm, not of tests"):
        hmm_glm.intervene(
            naive().with_(system=object(), component="tests"), Data.of(DATASET), hmm_glm.Params(), 1, Log()
        )
