import numpy as np
import pytest
from tests.causal import families, fresh, simulated

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.models.causal.tables import tables
from neurosieve.training.causal.cross_fitted import Fitted, Params, estimates, folds, losses, predicted, train

LIBRARY = ["linear", "boosting"]


@pytest.fixture(scope="module")
def data():
    return simulated(size=800, studies=2)


@pytest.fixture(scope="module")
def fitted(data):
    return train(fresh(library=LIBRARY), data, Params(splits=2, keep=True), 3, Log()).system


def test_all_triples_of_all_studies_and_splits_are_there_and_follow_the_seed(data, fitted):
    assert fitted["psi"].shape == fitted["se"].shape == (2, 2, 2, 2, 2)
    assert fitted["estimate"].shape == (2, 8)
    np.testing.assert_allclose(fitted["estimate"], fitted["psi"].mean(axis=1).reshape(2, 8))
    assert fitted["f"].shape == (2, 2, 2, 800)
    assert fitted["g"].shape == (2, 2, 2, 2, 2, 800)
    again = train(fresh(library=LIBRARY), data, Params(splits=2, replicates=1), 3, Log()).system
    np.testing.assert_array_equal(again["psi"][0], fitted["psi"][0])
    assert not len(again["f"])
    other = train(fresh(library=LIBRARY), data, Params(splits=2, replicates=1), 4, Log()).system
    assert (other["psi"][0] != fitted["psi"][0]).all()


def test_predictions_are_out_of_fold(data):
    (one, _) = tables(data.train)
    params = Params(clip_f=1e-9, clip_m=1e-9)
    found = predicted(one, ("linear",), params, [3, 0, 0])
    held = folds(one.keys, 2, [3, 0, 0]) == 1
    by_hand = Fitted("linear", one.take(np.flatnonzero(~held)), False, 3)
    np.testing.assert_allclose(found.f[0, held], by_hand.f(one.x[held]))
    np.testing.assert_allclose(found.m[0][:, held], by_hand.m(one.x[held]))
    np.testing.assert_allclose(found.g[0][..., held], by_hand.g(one.x[held]))
    # what a person's own outcome is does not enter that person's predictions
    changed = one._replace(y=np.where(np.arange(800) == np.flatnonzero(held)[0], 1e6, one.y))
    again = predicted(changed, ("linear",), params, [3, 0, 0])
    np.testing.assert_array_equal(again.g[0][..., held], found.g[0][..., held])
    assert (again.g[0][..., ~held] != found.g[0][..., ~held]).all()


def test_linear_outcomes_know_products_with_the_treatment():
    (one,) = tables(simulated(size=20_000, studies=1).train)
    exact = one._replace(y=2 * one.a + one.a * one.z - 3 * one.a * one.x[:, 1] + one.x[:, 2])
    g = Fitted("linear", exact, False, 0).g(exact.x)
    np.testing.assert_allclose(g[1] - g[0], [2 - 3 * exact.x[:, 1], 3 - 3 * exact.x[:, 1]], atol=0.01)
    np.testing.assert_allclose(g[0, 1] - g[0, 0], 0, atol=0.01)


def test_clips_hold_and_the_standard_error_divides_by_n_less_one(data):
    (one, _) = tables(data.train)
    params = Params(clip_f=0.4, clip_m=0.15, weakest=0.001)
    found = predicted(one, tuple(LIBRARY), params, [3, 0, 0])
    assert (found.f.min(), found.f.max()) == (0.4, 0.6)
    assert found.m.min() == 0.15
    psi, se = estimates(one, found, params)
    from neurosieve.kernels import influence_function as pieces

    outcome = pieces.outcome_side(found.m[1], found.g[1], 0.001, 20 * one.y.std(ddof=1))
    d = pieces.variance_difference(found.m[0], 0.001)
    phi = pieces.influence(one.z, one.a, one.y, found.f[1], found.m[0], d, outcome)
    assert psi[1, 0, 1] == pytest.approx(phi.mean())
    assert se[1, 0, 1] == pytest.approx(phi.std(ddof=1) / np.sqrt(800))


def test_losses_are_those_of_scikit_learn(data):
    from sklearn.metrics import log_loss, mean_squared_error

    (one, _) = tables(data.train)
    found = predicted(one, tuple(LIBRARY), Params(), [3, 0, 0])
    loss = losses(one, found)
    own = found.m[1][one.z.astype(int), np.arange(800)]
    g = found.g[1][one.a.astype(int), one.z.astype(int), np.arange(800)]
    expected = [log_loss(one.z, found.f[1]), log_loss(one.a, own), mean_squared_error(one.y, g)]
    np.testing.assert_allclose(loss[:, 1], expected)


def test_shifting_the_outcome_changes_nothing_and_scaling_scales(data):
    (one, _) = tables(data.train)
    params = Params()
    plain = estimates(one, predicted(one, ("linear",), params, [3, 0, 0]), params)[0]
    for shift, scale in ((100, 1), (0, -4)):
        other = one._replace(y=scale * one.y + shift)
        found = estimates(other, predicted(other, ("linear",), params, [3, 0, 0]), params)[0]
        np.testing.assert_allclose(found, scale * plain, rtol=1e-6)


def test_a_person_keeps_the_fold_where_others_leave():
    keys = np.random.default_rng(0).integers(0, 2**63, 5000).astype(np.uint64)
    kept = np.random.default_rng(1).random(5000) < 0.7
    whole = folds(keys, 5, [11, 0, 2])
    np.testing.assert_array_equal(folds(keys[kept], 5, [11, 0, 2]), whole[kept])
    counts = np.bincount(whole, minlength=5)
    assert counts.min() > 850
    assert counts.max() < 1150
    for draws in ([11, 0, 3], [11, 1, 2], [12, 0, 2]):
        assert abs((folds(keys, 5, draws) == whole).mean() - 0.2) < 0.03
    numbered = folds(np.arange(5000, dtype=np.uint64), 2, [11, 0, 0])
    assert abs(numbered.mean() - 0.5) < 0.03
    assert abs((numbered[1:] == numbered[:-1]).mean() - 0.5) < 0.03


def test_one_sided_data_have_no_treated_without_the_instrument():
    with pytest.raises(UserError, match="no person has instrument 0 and treatment 1"):
        train(fresh(library=["linear"]), families(), Params(), 3, Log())
    system = train(fresh(library=["linear"]), families(), Params(one_sided=True, keep=True), 3, Log()).system
    assert not system["m"][:, :, :, 0].any()
    assert system["m"][:, :, :, 1].min() >= 0.02


def test_bad_input_is_one_line(data):
    with pytest.raises(UserError, match=r"model.library is empty"):
        train(fresh(), data, Params(), 3, Log())
    with pytest.raises(UserError, match=r"does not change treatment variance enough: learner linear finds D below 0.2"):
        train(fresh(library=["linear"]), data, Params(weakest=0.2), 3, Log())
    few = Data(data.info, {"train": data.train.take(np.array([0]))})
    with pytest.raises(UserError, match="2 replicates are asked for, but the data hold 1"):
        train(fresh(library=["linear"]), few, Params(replicates=2), 3, Log())
