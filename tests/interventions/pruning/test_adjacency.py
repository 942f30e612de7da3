"""What stays of one-hot and of free couplings, and states made equal."""

import numpy as np
import pytest

from neurosieve.artifacts.model import build_model
from neurosieve.errors import UserError
from neurosieve.interventions.pruning import adjacency, lesion_states

RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(3, 4, 4))


def naive():
    model = build_model("neural.hmm_glm", {}, {"input_shape": [30, 4]})
    return model.with_(system=model.system.changed(weight=WEIGHT))


def onehot():
    model = build_model("neural.hmm_glm", {"kind": "onehot"}, {"input_shape": [30, 4]})
    state = {name: RNG.normal(size=model.system[name].shape) for name in ("logits_adjacency", "strength_free")}
    return model.with_(system=model.system.changed(**state, logits_prior=state["logits_adjacency"].mean(axis=0)))


def test_a_one_hot_model_keeps_its_hard_adjacency():
    model = onehot()
    made = adjacency.intervene(model, adjacency.Params())
    np.testing.assert_array_equal(made.system["weight"], model.system.weights())
    np.testing.assert_array_equal(made.role("mask")["weight"], model.system.classes() != 0)
    assert made.params["kind"] == "naive"
    counts = RNG.poisson(0.5, (2, 30, 4)).astype(float)
    np.testing.assert_allclose(made.system.posterior(counts)[0], model.system.posterior(counts)[0])


def test_free_weights_keep_as_many_connections_or_a_share():
    beside = onehot()
    made = adjacency.intervene(naive().with_(companions=(beside,)), adjacency.Params()).system["weight"]
    assert np.count_nonzero(made) == np.count_nonzero(beside.system.classes())
    assert np.abs(WEIGHT[made == 0]).max() < np.abs(made[made != 0]).min()
    np.testing.assert_array_equal(made[made != 0], WEIGHT[made != 0])
    half = adjacency.intervene(naive(), adjacency.Params(keep=0.5)).system["weight"]
    assert np.count_nonzero(half) == 24
    with pytest.raises(UserError, match="need `keep`, or `with:`"):
        adjacency.intervene(naive(), adjacency.Params())


def test_lesioned_states_are_equal():
    free = lesion_states.intervene(naive(), lesion_states.Params()).system["weight"]
    np.testing.assert_allclose(free, np.repeat(WEIGHT.mean(axis=0)[None], 3, axis=0))
    model = onehot()
    made, prior = lesion_states.intervene(model, lesion_states.Params()).system["weight"], model.system.prior()
    np.testing.assert_allclose(made[1], (prior[..., 2] - prior[..., 0]) * model.system.strength.mean(axis=0))
    for step, params in ((adjacency, adjacency.Params()), (lesion_states, lesion_states.Params())):
        with pytest.raises(UserError, match=r"models of neural.hmm_glm"):
            step.intervene(naive().with_(system=object()), params)
