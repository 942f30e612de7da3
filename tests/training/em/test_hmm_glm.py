"""Recovery of simulated states and couplings, what is logged and kept, and what is refused."""

import numpy as np
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.neural import hmm_glm as simulated
from neurosieve.errors import UserError
from neurosieve.models.neural.hmm_glm import matching
from neurosieve.training.em.hmm_glm import Params, train


def data_of(**sizes):
    return Data.of(simulated.prepare(simulated.Params(**sizes), 0))


def fresh(data, **params):
    return build_model("neural.hmm_glm", params, {"input_shape": list(data.info.input_shape)})


def test_states_and_couplings_of_simulated_neurons_are_found_again():
    data = data_of(bins=500, train=6, test=2)
    kept = {}
    log = Log(save_checkpoint=lambda name, model: kept.update({name: model}))
    fitted = train(fresh(data), data, Params(rounds=20, checkpoints=(5,)), 1, log).system
    truth, weight = data.test["states"], data.test["weight"][0]
    found = fitted.posterior(data.test.x.astype(float))[0].argmax(axis=-1)
    order = matching(found, truth, 3, 3)
    assert (order[found] == truth).mean() > 0.85
    assert np.corrcoef(fitted["weight"][np.argsort(order)].ravel(), weight.ravel())[0, 1] > 0.75
    assert [row["epoch"] for row in log.history] == list(range(1, 21))
    assert log.timings.keys() == {"train_seconds"}
    assert list(kept) == ["e5"]
    assert not np.array_equal(kept["e5"].system["weight"], fitted["weight"])


def test_states_of_exact_zeros_would_stay_alike_so_they_begin_apart():
    data = data_of(neurons=3, bins=40, train=2, test=1)
    weight = train(fresh(data), data, Params(rounds=1, steps=1, lr=1e-9), 1, Log()).system["weight"]
    assert 0 < np.abs(weight).max() < 0.05
    assert not np.array_equal(weight[0], weight[1])


def test_a_state_too_many_is_counted_as_rare_and_nothing_breaks():
    data, log = data_of(neurons=2, bins=12, train=1, test=1, states=1), Log()
    fitted = train(fresh(data, states=6), data, Params(rounds=3), 1, log).system
    assert log.history[-1]["rare_states"] >= 4
    assert all(np.isfinite(value).all() for value in fitted.state.values())


def test_a_sigmoid_cannot_reach_a_count_a_bin():
    data = data_of(neurons=3, bins=40, train=2, test=1)
    loud = Data.of(data_with(data, data.train.x + 1))
    with pytest.raises(UserError, match=r"fires .* times a bin.*use link: softplus"):
        train(fresh(data), loud, Params(rounds=1), 1, Log())
    train(fresh(data, link="softplus"), loud, Params(rounds=1), 1, Log())


def test_what_is_no_count_is_refused():
    data = data_of(neurons=3, bins=40, train=2, test=1)
    with pytest.raises(UserError, match="-1 at sequence 0, time bin 0, neuron 0"):
        train(fresh(data), Data.of(data_with(data, data.train.x * 0 - 1)), Params(rounds=1), 1, Log())


def data_with(data, counts):
    """The same dataset with other training counts."""
    from neurosieve.artifacts.dataset import Dataset

    columns = {name: data.train[name] for name in data.info.columns}
    return Dataset.from_arrays(data.info, {"train": {**columns, "counts": counts}})


def test_checkpoints_beyond_the_rounds_are_refused():
    with pytest.raises(ValueError, match="checkpoint after round 9, but rounds run from 1 to 4"):
        Params(rounds=4, checkpoints=(9,))
