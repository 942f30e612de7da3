"""The parametric estimator against golden vectors, cell moments, and what rescaling the outcome must do."""

import numpy as np
import pytest
from tests.support import golden

from neurosieve.optim.linear_iv import genius
from neurosieve.optim.multiply_robust import Features, fit, logistic, sandwich


def both(of):
    return np.stack([of(0.0), of(1.0)])


@pytest.fixture(scope="module")
def given():
    one = golden("selective-iv", "parametric-estimator")
    x, ones = one["X"], np.ones(400)
    features = Features(
        np.column_stack([ones, x[:, :2]]),
        both(lambda z: np.column_stack([ones, z * ones, x[:, 0], x[:, 2]])),
        np.column_stack([ones, x[:, 0]]),
        both(lambda z: np.column_stack([ones, z * ones, x[:, :4], z * x[:, 0]])),
        np.column_stack([ones, x[:, 2]]),
    )
    return one, features, (one["Z"], one["A"], one["Y"])


def test_coefficients_and_estimate_are_the_golden_ones(given):
    one, features, data = given
    found = fit(*data, features)
    for name, value in (("coef_f", found.f), ("coef_m", found.m), ("b", found.b), ("w", found.w), ("h", found.h)):
        np.testing.assert_allclose(value, one[name], atol=1e-7)
    np.testing.assert_allclose(found.phi, one["phi"], atol=1e-6)
    assert found.psi == pytest.approx(one["psi"], abs=1e-6)
    assert found.phi.std() / 20 == pytest.approx(one["se_plugin"], abs=1e-6)
    assert sandwich(*data, features, found) == pytest.approx(one["se_sandwich"], abs=1e-6)


def test_resamples_are_fitted_again_from_the_start(given):
    one, features, data = given
    again = [fit(*(column[rows] for column in data), features.take(rows)).psi for rows in one["bootstrap_rows"]]
    np.testing.assert_allclose(again, one["bootstrap_psi"], atol=1e-5)


def test_constants_alone_give_the_ratio_of_cell_moments():
    one = golden("selective-iv", "cell-moments")
    ones = np.ones((12, 1))
    with_z = both(lambda z: np.column_stack([ones, z * ones]))
    features, z, a, y = Features(ones, with_z, ones, with_z, ones), one["Z"], one["A"], one["Y"]
    found = fit(z, a, y, features)
    assert found.psi == pytest.approx(one["psi"], abs=1e-10)
    np.testing.assert_allclose(found.phi, one["phi"], atol=1e-9)
    np.testing.assert_allclose(found.w, one["omega"], atol=1e-9)
    assert found.h[0] == pytest.approx(one["eta"], abs=1e-10)
    moments = one["moments"]
    assert found.psi == pytest.approx((moments[1, 2] - moments[0, 2]) / (moments[1, 3] - moments[0, 3]), abs=1e-10)
    assert genius(z, a, y)[0] == pytest.approx(one["genius"], abs=1e-10)
    other = [fit(z, a, y + 7, features), fit(z, a, -2.5 * y, features), fit(1 - z, a, y, features)]
    np.testing.assert_allclose([one.psi for one in other], one["invariance"], atol=1e-9)


def test_shifting_the_outcome_changes_nothing_and_scaling_scales(given):
    _, features, (z, a, y) = given
    plain = fit(z, a, y, features)
    assert fit(z, a, y + 1000, features).psi == pytest.approx(plain.psi, abs=1e-8)
    scaled = fit(z, a, -3 * y, features)
    assert scaled.psi == pytest.approx(-3 * plain.psi, abs=1e-8)
    assert sandwich(z, a, -3 * y, features, scaled) == pytest.approx(3 * sandwich(z, a, y, features, plain), rel=1e-8)


def test_one_sided_data_have_no_variance_without_the_instrument(given):
    _, features, (z, a, y) = given
    a = np.where(z == 0, 0.0, a)
    level = features._replace(m=features.m[:, :, [0, 2, 3]])
    found = fit(z, a, y, level)
    assert not found.treated[0].any()
    np.testing.assert_allclose(found.m, logistic(level.m[1][z == 1], a[z == 1]))
    spread = np.std([_of(rows, z, a, y, level) for rows in np.random.default_rng(1).integers(400, size=(300, 400))])
    assert sandwich(z, a, y, level, found) == pytest.approx(spread, rel=0.35)


def _of(rows, z, a, y, features):
    return fit(z[rows], a[rows], y[rows], features.take(rows)).psi


def test_what_has_no_single_solution_is_said(given):
    _, features, (z, a, y) = given
    with pytest.raises(np.linalg.LinAlgError):
        logistic(features.f, np.ones(400))
    with pytest.raises(np.linalg.LinAlgError):
        fit(z, a, y, features._replace(beta=np.zeros((400, 1))))
