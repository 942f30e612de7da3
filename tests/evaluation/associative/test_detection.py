import numpy as np
import pytest

from neurosieve.errors import UserError
from neurosieve.evaluation.associative.detection import Params, evaluate, tensor_fields
from neurosieve.kernels.noisy_examples import rademacher


def test_interactions_of_four_read_through_noise_that_drowns_pairs(memory, values):
    frame = evaluate(memory(4, 30, 3), Params(spins=30, noise=(0.1, 30)), 11)
    overlap = values(frame, "overlap")
    assert overlap["P=2,omega=0.1"] == 1
    assert overlap["P=4,omega=30"] > 0.95
    assert overlap["P=2,omega=30"] < 0.5


@pytest.mark.parametrize("repeated", [True, False])
@pytest.mark.parametrize("order", [2, 3])
def test_fields_are_sums_over_the_explicit_tensor(order, repeated):
    rng = np.random.default_rng(1)
    patterns = rademacher(2, 5, rng).astype(np.float32)
    signal, noise = tensor_fields(patterns, order, repeated, np.random.default_rng(9))
    z = np.random.default_rng(9).standard_normal((5,) * order, np.float32)
    wanted = np.zeros((2, 2, 5))
    for index in np.ndindex(*(5,) * order):
        if not repeated and len(set(index)) < order:
            continue
        entry = sum(np.prod([xi[i] for i in index]) for xi in patterns)
        for state in range(2):
            for slot, own in enumerate(index):
                others = np.prod([patterns[state][i] for place, i in enumerate(index) if place != slot])
                wanted[0, state, own] += entry * others / order
                wanted[1, state, own] += z[index] * others / np.sqrt(order)
    np.testing.assert_allclose(signal, wanted[0], atol=1e-4)
    np.testing.assert_allclose(noise, wanted[1], atol=1e-4)


def test_noise_keeps_its_variance_when_slots_are_symmetrised():
    patterns = rademacher(1, 24, np.random.default_rng(2)).astype(np.float32)
    noise = [tensor_fields(patterns, 3, True, np.random.default_rng(seed))[1] for seed in range(60)]
    assert np.std(noise) == pytest.approx(24.0, rel=0.1)


def test_tensors_beyond_the_memory_are_refused_with_their_bytes(memory):
    with pytest.raises(UserError, match=r"30\^8 entries take 7873200000000 bytes, 2000000000 are allowed"):
        evaluate(memory(4, 30, 3), Params(spins=30, orders=(8,)), 11)
