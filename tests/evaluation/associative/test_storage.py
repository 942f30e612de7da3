import numpy as np

from neurosieve.evaluation.associative.storage import Params, corrupted, evaluate


def test_interactions_of_four_hold_more_than_pairs(memory, values):
    frame = evaluate(memory(4, 40, 400), Params(spins=40, counts=(3, 400), patterns=10), 11)
    overlap, energy = values(frame, "overlap"), values(frame, "hamiltonian")
    assert overlap["K=3,P=4"] == 1
    assert overlap["K=400,P=4"] > 0.9 > 0.6 > overlap["K=400,P=2"]
    assert all(value < 0 for value in energy.values())


def test_exactly_a_share_of_the_spins_is_flipped():
    states = np.ones((50, 60))
    broken = corrupted(states, 0.05, np.random.default_rng(0))
    assert ((broken == -1).sum(axis=1) == 3).all()
    assert len(np.unique(broken, axis=0)) > 40
