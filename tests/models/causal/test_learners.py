import numpy as np
import pytest

from neurosieve.models.causal import learners


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(4)
    x = rng.uniform(-1, 1, (600, 2))
    y = 2 * np.sin(3 * x[:, 1]) + rng.normal(0, 0.1, 600)
    return x, y, (rng.random(600) < 1 / (1 + np.exp(-3 * x[:, 1]))).astype(float)


@pytest.mark.parametrize("name", ["linear", "spline", "boosting", "lasso", "forest", "mlp"])
def test_every_learner_learns_in_both_kinds_and_is_the_same_twice(name, given):
    x, y, z = given
    fits = [learners.regressor(name, 1, 1, 0).fit(x, y).predict(x) for _ in range(2)]
    np.testing.assert_array_equal(*fits)
    assert np.mean((y - fits[0]) ** 2) < 0.7 * y.var()
    shares = learners.classifier(name, 1, 1, 0).fit(x, z).predict_proba(x)[:, 1]
    assert shares[z == 1].mean() > shares[z == 0].mean() + 0.15


def test_splines_bend_where_lines_do_not(given):
    x, y, _ = given
    bent = np.column_stack([x[:, 1], x[:, 0]])  # the sine is in the leading column, which stays a line
    errors = [np.mean((y - learners.regressor("spline", 1, 1, 0).fit(c, y).predict(c)) ** 2) for c in (x, bent)]
    assert errors[0] < 0.1 * errors[1]


def test_a_linear_classifier_has_no_penalty():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4000, 1)) * 1e-3
    labels = (rng.random(4000) < 1 / (1 + np.exp(-2000 * x[:, 0]))).astype(float)
    shares = learners.classifier("linear", 0, 1, 0).fit(x, labels).predict_proba(np.array([[1e-3]]))[0, 1]
    assert shares == pytest.approx(1 / (1 + np.exp(-2)), abs=0.03)


def test_columns_of_few_values_can_be_splined():
    x = np.repeat([[0.0], [1.0]], 50, axis=0)
    labels = np.tile([0.0, 1.0], 50)
    assert learners.classifier("spline", 0, 1, 0).fit(x, labels).predict_proba(x)[:, 1] == pytest.approx(0.5, abs=1e-6)
