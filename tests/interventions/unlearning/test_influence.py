import numpy as np
import pytest
from tests.causal import families, fresh, simulated

from neurosieve.artifacts.data import Data, Selection
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.pruning import triple
from neurosieve.interventions.unlearning.influence import Params, intervene
from neurosieve.training.causal import cross_fitted

LIBRARY = ["linear", "boosting"]
FITTING = cross_fitted.Params(one_sided=True, keep=True, splits=2)


@pytest.fixture(scope="module")
def asked():
    """Families of whom 1 % are to be forgotten."""
    whole = families(4000)
    return Data(whole.info, whole.splits, Selection({"train": np.arange(0, 4000, 100)}, "every hundredth"))


@pytest.fixture(scope="module")
def pruned(asked):
    return triple.intervene(
        cross_fitted.train(fresh(library=LIBRARY), asked, FITTING, 3, Log()), asked, triple.Params(), Log()
    )


def test_one_step_is_the_mean_over_those_who_stay(asked, pruned):
    log = Log()
    found = intervene(pruned, asked, Params(), log).system
    phi = pruned.system["phi"][0]
    stays = np.arange(4000) % 100 != 0
    psi = phi.mean(axis=1) - (phi - phi.mean(axis=1, keepdims=True))[:, ~stays].sum(axis=1) / stays.sum()
    assert found["estimate"][0, 0] == pytest.approx(psi.mean(), abs=1e-9)
    assert found["estimate"][0, 0] != pruned.system["estimate"][0, 0]
    assert found["phi"].shape == (1, 2, 3960)
    assert not len(found["psi"])
    assert log.history[0]["forgotten"] == 40
    assert log.timings.keys() == {"intervention_seconds"}


def test_it_is_near_a_refit_without_them(asked, pruned):
    retained = Data(asked.info, {"train": asked.retain})
    again = cross_fitted.train(fresh(library=LIBRARY), retained, FITTING, 3, Log())
    refit = triple.intervene(again.with_(companions=(pruned,)), asked, triple.Params(rule="companion"), Log()).system
    step = intervene(pruned, asked, Params(), Log()).system
    assert refit["phi"].shape == step["phi"].shape
    assert abs(step["estimate"] - refit["estimate"])[0, 0] < 0.25 * step["error"][0, 0]
    assert step["error"][0, 0] == pytest.approx(refit["error"][0, 0], rel=0.15)


def test_without_phi_it_cannot_be_done(asked):
    with pytest.raises(UserError, match="needs one study pruned to a triple"):
        intervene(fresh(library=LIBRARY), asked, Params(), Log())
    data = simulated(size=1500, studies=2)
    model = cross_fitted.train(fresh(library=LIBRARY), data, cross_fitted.Params(keep=True), 3, Log())
    data = Data(data.info, data.splits, Selection({"train": np.array([0])}, "the first"))
    with pytest.raises(UserError, match="keep: true"):
        intervene(triple.intervene(model, data, triple.Params(), Log()), data, Params(), Log())
