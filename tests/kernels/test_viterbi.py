"""The golden path of the official code, every path enumerated, hmmlearn, and forbidden transitions."""

import itertools

import numpy as np
import pytest
from tests.support import golden

from neurosieve.kernels.viterbi import viterbi


def best(emission, transition, initial=None):
    states = len(transition)
    with np.errstate(divide="ignore"):
        start = np.log(np.full(states, 1 / states) if initial is None else initial)
        return viterbi(emission[None], np.log(transition), start)[0]


def probability(path, emission, transition):
    """ln p(path, counts) but for the uniform first state."""
    with np.errstate(divide="ignore"):
        steps = sum(np.log(transition[a, b]) for a, b in itertools.pairwise(path))
    return steps + sum(emission[t, s] for t, s in enumerate(path))


def test_golden():
    case = golden("onehot-hmm-glm", "forward-backward")
    np.testing.assert_array_equal(best(case["emission"], case["transition"]), case["viterbi"])


@pytest.mark.parametrize("seed", range(5))
def test_no_other_path_is_more_probable(seed):
    rng = np.random.default_rng(seed)
    emission, transition = rng.normal(size=(7, 3)) * 2, rng.dirichlet(np.ones(3), 3)
    scores = {path: probability(path, emission, transition) for path in itertools.product(range(3), repeat=7)}
    assert tuple(best(emission, transition)) == max(scores, key=lambda path: scores[path])


def test_compiled_and_plain_agree_over_many_sequences():
    rng = np.random.default_rng(0)
    emission, logs = rng.normal(size=(4, 60, 5)) * 3 - 500, np.log(rng.dirichlet(np.ones(5), 5))
    found = viterbi(emission, logs, np.full(5, -np.log(5)))
    np.testing.assert_array_equal(found, viterbi.py_func(emission, logs, np.full(5, -np.log(5))))
    assert found.shape == (4, 60)


def test_hmmlearn_decodes_the_same_path():
    from hmmlearn.hmm import PoissonHMM

    case = golden("onehot-hmm-glm", "forward-backward")
    peer = PoissonHMM(3)
    peer.startprob_, peer.transmat_, peer.lambdas_ = (
        np.full(3, 1 / 3),
        case["poisson_transition"],
        case["poisson_rates"],
    )
    counts = case["poisson_counts"][:30]
    _, expected = peer.decode(counts)
    emission = np.stack([counts @ np.log(rate) - rate.sum() for rate in case["poisson_rates"]], axis=1)
    np.testing.assert_array_equal(best(emission, case["poisson_transition"]), expected)


def test_what_never_happens_is_on_no_path():
    emission = np.array([[0.0, -5.0], [-5.0, 0.0], [0.0, -90.0]])
    absorbing = np.array([[0.5, 0.5], [0.0, 1.0]])  # state 1 never ends
    np.testing.assert_array_equal(best(emission, absorbing), [0, 0, 0])
    np.testing.assert_array_equal(best(emission, absorbing, np.array([0.0, 1.0])), [1, 1, 1])
    np.testing.assert_array_equal(best(emission[:, :1], np.ones((1, 1))), [0, 0, 0])
    np.testing.assert_array_equal(best(emission[:1], absorbing), [0])
