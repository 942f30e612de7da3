"""Statistics of the generator, nested splits, and the worm's wiring diagram."""

import numpy as np
import pytest

from neurosieve.datasets.neural import hmm_glm as made
from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm


def small(**changed):
    return made.prepare(made.Params(**{"neurons": 5, "bins": 60, "train": 4, "test": 2, **changed}), 3)


def test_more_training_sequences_begin_with_the_same_and_leave_the_test_split_alone():
    few, many = small(train=2), small(train=4)
    for column in ("counts", "states"):
        np.testing.assert_array_equal(few.split("train")[column], many.split("train")[column][:2])
        np.testing.assert_array_equal(few.split("test")[column], many.split("test")[column])


def test_the_truth_is_hidden_and_the_same_in_every_row():
    data = small()
    assert data.info.hidden == {"states", "weight", "bias", "prior"}
    weights = np.concatenate([data.split(name)["weight"] for name in ("train", "test")])
    assert (weights == weights[0]).all()
    assert (np.abs(weights) < np.log(4)).all()


def test_states_last_and_counts_follow_their_rates():
    data = small(bins=2000, train=10).split("train")
    states, counts = data["states"], data.x
    stays = (states[:, 1:] == states[:, :-1]).mean()
    assert stays == pytest.approx(0.98, abs=0.01)
    c = glm.regressors(counts, glm.taps(5)).reshape(-1, 5)
    drive = glm.drives(c, data["weight"][0], data["bias"][0])
    rates = glm.rate(drive, "sigmoid")[states.ravel(), np.arange(len(c))]
    off = (counts.reshape(-1, 5) - rates) / np.sqrt(rates)
    assert np.abs(off.mean(axis=0)).max() < 0.03
    np.testing.assert_allclose((off**2).mean(axis=0), 1, atol=0.05)


def test_density_and_share_of_excitation_are_those_asked_for():
    params = made.Params(neurons=40, states=4, density=0.3, excitatory=0.75)
    rng = np.random.default_rng(0)
    weight = made.couplings(params, made.priors(params, rng), rng)["weight"]
    assert (weight != 0).mean() == pytest.approx(0.3, abs=0.02)
    assert (weight > 0).sum() / (weight != 0).sum() == pytest.approx(0.75, abs=0.03)


def test_the_worm_s_prior_has_the_pairs_of_more_than_four_synapses():
    prior = made.anatomy(12)
    np.testing.assert_allclose(prior.sum(axis=-1), 1)
    assert (prior.argmax(axis=-1) == 2).sum() == 35
    assert (prior.argmax(axis=-1) == 0).sum() == 0
    # AVDL has 19 synapses on AVAR, AVAR has one on AVDL
    np.testing.assert_allclose(prior[1, 4], [0.05, 0.05, 0.9])
    np.testing.assert_allclose(prior[4, 1], [0.05, 0.9, 0.05])
    with pytest.raises(UserError, match="12 neurons, not 5"):
        small(wiring="celegans")
    assert "White et al. 1986" in small(neurons=12, wiring="celegans").info.source
