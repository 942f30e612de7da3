import numpy as np
import pytest
from tests.causal import families, fresh, simulated

from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.interventions.pruning.triple import Params, intervene
from neurosieve.kernels.plugin_grid import over_splits, safest
from neurosieve.training.causal import cross_fitted

LIBRARY = ["linear", "boosting"]


@pytest.fixture(scope="module")
def library():
    data = simulated(size=800, studies=2, design="g2")
    params = cross_fitted.Params(splits=2, keep=True)
    return data, cross_fitted.train(fresh(library=LIBRARY), data, params, 3, Log())


def test_the_safest_triple_of_each_study_is_left(library):
    data, model = library
    log = Log()
    pruned = intervene(model, data, Params(), log).system
    for study in range(2):
        chosen = safest(model.system["psi"][study])
        assert tuple(pruned["chosen"][study]) == chosen
        estimate, error = over_splits(*(model.system[name][study][:, *chosen] for name in ("psi", "se")))
        assert (pruned["estimate"][study, 0], pruned["error"][study, 0]) == (estimate, error)
        assert log.history[study]["f"] == LIBRARY[chosen[0]]
    assert pruned.points == [{}]
    assert log.timings.keys() == {"intervention_seconds"}


def test_phi_of_the_triple_averages_to_its_estimates(library):
    data, model = library
    pruned = intervene(model, data, Params(), Log()).system
    assert pruned["phi"].shape == (2, 2, 800)
    for study in range(2):
        k, middle, j = pruned["chosen"][study]
        np.testing.assert_allclose(pruned["phi"][study].mean(axis=-1), model.system["psi"][study, :, k, middle, j])
        spread = pruned["phi"][study].std(axis=-1, ddof=1) / np.sqrt(800)
        np.testing.assert_allclose(spread, model.system["se"][study, :, k, middle, j])
    assert not len(pruned["g"])


def test_loss_takes_the_best_predictor_of_each_role(library):
    data, model = library
    pruned = intervene(model, data, Params(rule="loss", replicates=1), Log()).system
    assert pruned["chosen"].tolist() == [model.system["loss"][0].argmin(axis=1).tolist()]


def test_a_companions_triple_is_taken_over(library):
    data, model = library
    beside = intervene(model, data, Params(), Log())
    other = beside.with_(system=beside.system.changed(chosen=np.array([[1, 0, 1], [0, 0, 1]])))
    found = intervene(model.with_(companions=(other,)), data, Params(rule="companion"), Log()).system
    assert found["chosen"].tolist() == [[1, 0, 1], [0, 0, 1]]
    with pytest.raises(UserError, match="needs `with:` a model pruned from the same library"):
        intervene(model, data, Params(rule="companion"), Log())


def test_nothing_to_compare_is_one_line():
    data = families()
    alone = cross_fitted.train(fresh(library=["linear"]), data, cross_fitted.Params(one_sided=True), 3, Log())
    with pytest.raises(UserError, match="the library is linear alone; there is nothing to compare"):
        intervene(alone, data, Params(), Log())
    with pytest.raises(UserError, match="with a fitted library"):
        intervene(fresh(library=LIBRARY), data, Params(), Log())
