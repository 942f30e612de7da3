"""What the system itself does: weights of each kind, posteriors, relabelling, sizes; and what it refuses."""

import numpy as np
import pytest

from neurosieve.errors import UserError
from neurosieve.kernels import poisson_glm as glm
from neurosieve.models.neural.hmm_glm import HmmGlm, Params, build, largest, matching
from neurosieve.models.neural.spikes import checked

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.5, (3, 30, 4)).astype(float)


def onehot():
    logits = np.random.default_rng(1).normal(size=(3, 4, 4, 3))
    return HmmGlm(Params(kind="onehot"), 4).changed(
        logits_adjacency=logits, strength_free=RNG.normal(size=(3, 4, 4)), logits_prior=logits.mean(axis=0)
    )


def naive():
    rng = np.random.default_rng(2)
    transition = rng.dirichlet(np.ones(3), 3)
    return HmmGlm(Params(), 4).changed(weight=rng.normal(size=(3, 4, 4)), transition=transition)


def test_hard_weights_are_a_class_times_a_positive_strength():
    system = onehot()
    assert set(np.unique(system.classes())) == {-1, 0, 1}
    assert (system.strength > 0).all()
    np.testing.assert_array_equal(np.sign(system.weights()), system.classes())
    assert (np.abs(system.weights(hard=False)) < system.strength).all()
    assert system.prior().sum(axis=-1) == pytest.approx(1)


def test_permuting_states_permutes_posteriors_and_nothing_else():
    system, order = naive(), [2, 0, 1]
    moved = system.changed(weight=system["weight"][order], transition=system["transition"][np.ix_(order, order)])
    gamma, total = system.posterior(COUNTS)
    other, same = moved.posterior(COUNTS)
    np.testing.assert_allclose(other, gamma[..., order], atol=1e-12)
    np.testing.assert_allclose(same, total)
    np.testing.assert_array_equal(np.array(order)[moved.path(COUNTS)], system.path(COUNTS))


def test_the_filter_sees_the_past_alone():
    changed = COUNTS.copy()
    changed[:, 20:] += 1
    one, other = naive().filtered(COUNTS), naive().filtered(changed)
    np.testing.assert_allclose(one[:, :20], other[:, :20], atol=1e-12)
    assert np.abs(one[:, 20:] - other[:, 20:]).max() > 1e-3
    np.testing.assert_allclose(one[:, -1], naive().posterior(COUNTS)[0][:, -1], atol=1e-10)


def test_the_step_module_filters_like_the_system():
    import torch

    for link in ("sigmoid", "softplus", "exp"):
        system = HmmGlm(Params(link=link, bias="per_state"), 4)
        given = {name: value for name, value in naive().state.items() if name != "bias"}
        given["bias"] = np.random.default_rng(3).normal(size=(3, 4)) - 1
        system = system.changed(**given)
        step, state = system.step_module(), [torch.tensor(v, dtype=torch.float32) for v in system.step_state().values()]
        state, said = [value.expand(3, *value.shape) for value in state], []
        for x in system.step_inputs(COUNTS):
            y, *state = step(torch.tensor(x, dtype=torch.float32), *state)
            said.append(y.numpy())
        np.testing.assert_allclose(np.stack(said), system.step_outputs(COUNTS), atol=1e-4)


def test_one_state_is_a_plain_model():
    system = HmmGlm(Params(states=1), 4)
    gamma, total = system.posterior(COUNTS)
    np.testing.assert_allclose(gamma, 1)
    np.testing.assert_allclose(total, glm.log_likelihood(COUNTS, np.full(COUNTS.shape, 0.5)).sum(axis=(1, 2)))


def test_matching_undoes_a_permutation_and_leaves_room_for_more_states():
    truth = RNG.integers(0, 3, 200)
    order = matching(np.array([2, 0, 1])[truth], truth, 3, 3)
    np.testing.assert_array_equal(order, [1, 2, 0])
    more = matching(truth + 2, truth, 5, 3)
    assert sorted(more) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(more[2:], [0, 1, 2])
    fewer = matching(np.zeros(200, int), truth, 1, 3)
    assert len(fewer) == 1
    assert fewer[0] in (0, 1, 2)


def test_largest_takes_the_first_of_equals():
    np.testing.assert_array_equal(largest(np.array([[1.0, -2.0], [2.0, 0.5]]), 2), [[False, True], [True, False]])
    assert not largest(np.ones((2, 2)), 0).any()


def test_refuses_what_is_no_sequence():
    with pytest.raises(UserError, match=r"\[bins, neurons\]"):
        build(Params(), {"input_shape": [4]})
    with pytest.raises(UserError, match="5 bins, but a history of 5 needs at least 6"):
        build(Params(), {"input_shape": [5, 3]})


@pytest.mark.parametrize("value", [-1.0, 0.5, np.nan, np.inf])
def test_refuses_what_is_no_count_and_says_where(value):
    counts = COUNTS.copy()
    counts[1, 7, 2] = value
    with pytest.raises(UserError, match=rf"{value:g} at sequence 1, time bin 7, neuron B3.*\(1 of 360 are not\)"):
        checked(counts, ("B1", "B2", "B3", "B4"))
