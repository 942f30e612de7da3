import numpy as np
import pytest
from tests.causal import families, fresh, simulated

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.models.causal.estimator import RIGHT
from neurosieve.models.causal.tables import tables
from neurosieve.optim.multiply_robust import fit, sandwich
from neurosieve.training.causal.multiply_robust import Params, features, train

COLUMNS = {"f": (0, 1), "m": (0, 2), "beta": (0,), "omega": (0, 1, 2, 3), "eta": (2,)}


def test_every_study_and_scenario_is_estimated_by_itself():
    data = simulated(size=2000, studies=3)
    params = Params.model_validate({"columns": COLUMNS, "misread": 4})
    log = Log()
    system = train(fresh(scenarios=list(RIGHT)), data, params, 3, log).system
    assert system["estimate"].shape == system["error"].shape == (3, 6)
    one = tables(data.train)[1]
    wanted = features(one, "m2", params)
    fitted = fit(one.z, one.a, one.y, wanted)
    assert system["estimate"][1, 2] == pytest.approx(fitted.psi, abs=1e-9)
    assert system["error"][1, 2] == pytest.approx(sandwich(one.z, one.a, one.y, wanted, fitted), rel=1e-6)
    assert log.timings.keys() == {"train_seconds"}
    few = train(fresh(scenarios=["m2"]), data, params.model_copy(update={"replicates": 2}), 3, Log()).system
    np.testing.assert_allclose(few["estimate"][:, 0], system["estimate"][:2, 2], atol=1e-9)


def test_wrong_models_see_functions_of_one_covariate():
    data = simulated(size=100, studies=1)
    (one,) = tables(data.train)
    params = Params.model_validate({"columns": COLUMNS, "misread": 4})
    right, wrong = features(one, "all-right", params), features(one, "all-wrong", params)
    assert [column.shape[-1] for column in right] == [3, 4, 2, 6, 2]
    assert [column.shape[-1] for column in wrong] == [4, 5, 4, 5, 4]
    for power, column in ((1, 1), (2, 2)):
        assert abs(np.corrcoef(wrong.f[:, column], one.x[:, 4] ** power)[0, 1]) == pytest.approx(1)
    mixed = features(one, "m1", params)
    np.testing.assert_array_equal(mixed.f, right.f)
    np.testing.assert_array_equal(mixed.m, right.m)
    np.testing.assert_array_equal(mixed.eta, wrong.eta)
    constant = features(one, "all-right", Params.model_validate({"columns": {"beta": []}}))
    np.testing.assert_array_equal(constant.beta, np.ones((100, 1)))


def test_right_models_come_closer_than_wrong_ones():
    params = Params.model_validate({"columns": COLUMNS, "misread": 4})
    system = train(fresh(scenarios=["all-right", "all-wrong"]), simulated(16_000, 8), params, 3, Log()).system
    errors = np.abs(np.median(system["estimate"] - 1, axis=0))
    assert errors[0] < 0.15 < errors[1]


def test_the_bootstrap_is_near_the_sandwich_and_follows_its_seed():
    data = simulated(size=3000, studies=1)
    params = Params.model_validate({"columns": COLUMNS, "bootstrap": 60})
    runs = [train(fresh(), data, params, seed, Log()).system["error"][0, 0] for seed in (3, 3, 4)]
    assert runs[0] == runs[1] != runs[2]
    plain = train(fresh(), data, params.model_copy(update={"bootstrap": 0}), 3, Log()).system["error"][0, 0]
    assert runs[0] == pytest.approx(plain, rel=0.4)


def test_families_need_to_be_declared_one_sided():
    with pytest.raises(UserError, match="no person has instrument 0 and treatment 1; say one_sided: true"):
        train(fresh(), families(), Params(), 3, Log())
    system = train(fresh(), families(9275), Params(one_sided=True), 3, Log()).system
    assert system["estimate"][0, 0] == pytest.approx(6.34, abs=0.02)
    assert system["error"][0, 0] == pytest.approx(5.87, abs=0.02)


def test_an_instrument_that_moves_no_variance_is_one_line():
    data = simulated(size=4000, studies=1)
    rows = {name: np.array(data.train[name]) for name in data.train.info.columns if name != "effect"}
    rng = np.random.default_rng(1)
    rows["a"] = (rng.random(rows["a"].shape) < 0.3).astype(np.int8)
    with pytest.raises(UserError, match="the instrument does not change treatment variance enough: for"):
        train(fresh(), Data(data.info, {"train": rows_like(data, rows)}), Params(), 3, Log())


def rows_like(data, rows):
    from neurosieve.artifacts.dataset import Dataset

    columns = {name: info for name, info in data.info.columns.items() if name in rows}
    return Dataset.from_arrays(data.info.model_copy(update={"columns": columns}), {"train": rows}).split("train")


def test_covariates_that_are_sums_of_others_are_one_line():
    data = simulated(size=500, studies=1)
    rows = {name: np.array(data.train[name]) for name in data.train.info.columns if name != "effect"}
    rows["x"][..., 1] = 0
    with pytest.raises(UserError, match="no single solution"):
        train(fresh(), Data(data.info, {"train": rows_like(data, rows)}), Params(), 3, Log())
