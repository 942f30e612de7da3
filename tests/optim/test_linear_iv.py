"""OLS, 2SLS and the MR-GENIUS ratio against golden numbers and the packages that have them."""

import numpy as np
import pytest
from tests.support import golden

from neurosieve.optim.linear_iv import genius, ols, two_stage


@pytest.fixture(scope="module")
def expected():
    return golden("selective-iv", "baselines-and-401k")


@pytest.fixture(scope="module")
def given():
    one = golden("selective-iv", "parametric-estimator")
    return one["X"], one["Z"], one["A"], one["Y"]


def agree(x, z, a, y, known):
    assert ols(x, z, a, y) == pytest.approx((known[0], known[2]), rel=1e-6)
    assert ols(x, z, a, y, instrument=False)[0] == pytest.approx(known[3], rel=1e-6)
    assert two_stage(x, z, a, y) == pytest.approx((known[4], known[6]), rel=1e-6)


def test_simulated_data_give_the_golden_numbers(given, expected):
    agree(*given, expected["synthetic_baselines"])
    assert genius(*given[1:])[0] == pytest.approx(expected["synthetic_genius"], rel=1e-6)


def test_families_give_the_golden_numbers(expected):
    from neurosieve.datasets.tabular import k401

    rows = k401.prepare(k401.Params()).split("train")
    z, a = rows["z"].astype(float), rows["a"].astype(float)
    agree(rows["x"], z, a, rows["y"], expected["baselines"])
    assert genius(z, a, rows["y"])[0] == pytest.approx(expected["raw"][3], rel=1e-6)


def test_two_stage_is_that_of_linearmodels(given):
    iv2sls = pytest.importorskip("linearmodels").IV2SLS
    x, z, a, y = given
    theirs = iv2sls(y, np.column_stack([np.ones(400), x]), a, z).fit(cov_type="robust")
    ours = two_stage(x, z, a, y)
    assert ours == pytest.approx((theirs.params["endog"], theirs.std_errors["endog"]), rel=1e-8)


def test_the_standard_error_of_genius_is_that_of_its_resamples():
    from neurosieve.datasets.tabular.iv_sim import draw

    rng = np.random.default_rng(2)
    _, z, a, y = (column.astype(float) for column in draw("g1", 4000, rng).values())
    again = [genius(z[rows], a[rows], y[rows])[0] for rows in rng.integers(4000, size=(400, 4000))]
    assert genius(z, a, y)[1] == pytest.approx(np.std(again), rel=0.12)
