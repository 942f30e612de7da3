import numpy as np
import pytest
from tests.support import golden

from neurosieve.errors import UserError
from neurosieve.models.associative.factor import Params, build
from neurosieve.models.associative.hebbian import class_means, supervised, unsupervised


def empty(spins, **params):
    return build(Params(**params), {"input_shape": [spins]})


def test_golden_energies_and_fields_through_the_memory():
    arrays = golden("dense-hebbian", "supervised-vs-unsupervised")
    states = arrays["examples"].reshape(-1, 9)
    labels = np.repeat([0, 1], 5)
    for order in (2, 4):
        system = empty(9, order=order)
        means, classes = class_means(states, labels)
        np.testing.assert_allclose(means, arrays["E"], atol=1e-12)
        taught = supervised(system, means, classes, centre=False, normalise=False)
        alone = unsupervised(system, states, labels, None, centre=False)
        for memory, kind in ((taught, "supervised"), (alone, "unsupervised")):
            np.testing.assert_allclose(memory.energies(arrays["states"]), arrays[f"{kind}_energy_P{order}"], rtol=1e-6)
            np.testing.assert_allclose(memory.fields(arrays["states"]), arrays[f"{kind}_field_P{order}"], atol=1e-7)


def test_normalised_energies_are_divided_by_the_moment():
    rng = np.random.default_rng(0)
    means, states = rng.normal(size=(30, 5)), np.where(rng.random((4, 30)) < 0.5, -1.0, 1.0)
    plain, divided = (supervised(empty(30), means, np.arange(5), centre=False, normalise=on) for on in (False, True))
    np.testing.assert_allclose(divided.energies(states), plain.energies(states) / (means**2).mean() ** 2, rtol=1e-5)
    np.testing.assert_array_equal(plain["E"], divided["E"])


def test_centred_columns_sum_to_nothing_before_scaling_and_have_norm_root_n():
    rng = np.random.default_rng(1)
    means = rng.normal(2.0, 1.0, size=(50, 4))
    memory = supervised(empty(50), means, np.arange(4), centre=True)
    np.testing.assert_allclose(np.linalg.norm(memory["E"], axis=0), np.sqrt(50), rtol=1e-5)
    np.testing.assert_allclose((memory["E"] * memory["norms"]).sum(axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(memory.means, means, atol=1e-5)


def test_inputs_become_spins_and_corrupted_ones_are_recalled():
    rng = np.random.default_rng(2)
    patterns = np.where(rng.random((6, 80)) < 0.5, 0.0, 1.0)
    system = build(Params(order=4, threshold=0.5), {"input_shape": [8, 10]})
    states = system.spins(patterns.reshape(6, 8, 10))
    memory = supervised(system, *class_means(states, np.arange(6) + 10), centre=False)
    broken = states.copy()
    broken[:, :8] *= -1
    found = memory.recall(broken, rng)
    np.testing.assert_array_equal(found, states)
    np.testing.assert_array_equal(memory.answers(found), np.arange(6) + 10)
    np.testing.assert_array_equal(memory.stepped(broken), states)


def test_impossible_memories_are_told_in_one_line():
    states = np.ones((6, 4))
    labels = np.array([0, 0, 0, 1, 1, 1])
    with pytest.raises(UserError, match="0 after centring: all classes have the same pixels"):
        supervised(empty(4), *class_means(states, labels), centre=True)
    with pytest.raises(UserError, match="all couplings are 0"):
        supervised(empty(4), np.zeros((4, 2)), np.arange(2), centre=False)
    with pytest.raises(UserError, match="4 examples are asked for, but class 0 has 3"):
        class_means(states, labels, 4)
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        Params(order=1)


def test_an_odd_order_is_warned_of():
    with pytest.warns(UserWarning, match="order 3 is odd"):
        supervised(empty(4, order=3), np.eye(4), np.arange(4), centre=False)
