"""hmmlearn's fit, read back as a model of ours: same likelihood, same rates."""

import numpy as np
import pytest

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.neural import hmm_glm as simulated
from neurosieve.errors import UserError
from neurosieve.training.em.poisson_hmm import Params, train

DATA = Data.of(simulated.prepare(simulated.Params(neurons=4, bins=200, train=3, test=1), 0))


def fresh(**params):
    return build_model("neural.hmm_glm", {"bias": "per_state", **params}, {"input_shape": [200, 4]})


@pytest.mark.parametrize("link", ["sigmoid", "softplus", "exp"])
def test_our_likelihood_is_hmmlearn_s(link):
    from hmmlearn.hmm import PoissonHMM

    system = train(fresh(link=link), DATA, Params(rounds=15), 3, Log()).system
    peer = PoissonHMM(3)
    peer.startprob_, peer.transmat_ = np.full(3, 1 / 3), system["transition"]
    from neurosieve.kernels.poisson_glm import rate

    peer.lambdas_ = rate(system["bias"], link)
    counts = DATA.train.x
    expected = peer.score(counts.reshape(-1, 4), [200] * 3)
    assert system.posterior(counts.astype(float))[1].sum() == pytest.approx(expected, abs=1e-3)


def test_needs_states_with_rates_of_their_own():
    with pytest.raises(UserError, match="bias: per_state"):
        train(fresh(bias="shared"), DATA, Params(), 3, Log())
