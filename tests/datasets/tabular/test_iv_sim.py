import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.datasets.tabular.iv_sim import Params, draw, prepare


def test_more_studies_begin_with_the_same_ones_and_seeds_differ():
    few, many = (prepare(Params(size=50, studies=n), 3).split("train") for n in (2, 4))
    for name in ("x", "z", "a", "y"):
        np.testing.assert_array_equal(few[name], many[name][:2])
    assert len(np.unique(many["y"], axis=0)) == 4
    assert (few["y"] != prepare(Params(size=50, studies=2), 4).split("train")["y"]).any()
    assert few["x"].shape == (2, 50, 5)
    assert set(np.unique(many["z"])) == set(np.unique(many["a"])) == {0, 1}


def test_the_truth_is_hidden():
    info = prepare(Params(size=50, studies=2), 3).info
    assert info.hidden == {"effect"}
    assert info.origin == "simulated"


@pytest.mark.parametrize(
    ("design", "at_z", "confounding"), [("g1", 1.0, 0.18), ("g2", 1.0, 0.075), ("g2l", 1.0, 0.075)]
)
def test_assumptions_hold_as_designed(design, at_z, confounding):
    """The instrument moves the variance of treatment and acts on the outcome; u confounds by one covariance."""
    x, z, a, y = draw(design, 400_000, np.random.default_rng(1)).values()
    beta = 1 + 0.5 * x[:, 0 if design == "g1" else 3]
    rest = y - beta * a
    for value in (0, 1):
        own = z == value
        # within narrow strata, so that covariates do not add to the covariance
        bins = np.digitize(x[own][:, 0], np.linspace(-1, 1, 9)) * 10 + np.digitize(x[own][:, 1], np.linspace(-1, 1, 9))
        parts = [np.cov(a[own][bins == b], rest[own][bins == b])[0, 1] for b in np.unique(bins)]
        weights = [np.sum(bins == b) for b in np.unique(bins)]
        assert np.average(parts, weights=weights) == pytest.approx(confounding, abs=0.02)
    variances = [a[z == value].var() for value in (0, 1)]
    assert variances[1] - variances[0] > 0.08
    assert np.corrcoef(a, z)[0, 1] > 0.2
    assert beta.mean() == pytest.approx(1, abs=0.01)
    columns = np.column_stack([np.ones(len(y)), z, *np.where(z == 1, 1, 1)[None] * x.T, *(x.T**2), *np.sign(x.T)])
    assert np.linalg.lstsq(columns, rest, rcond=None)[0][1] == pytest.approx(at_z, abs=0.05)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValidationError, match="g3"):
        Params.model_validate({"design": "g3"})
    with pytest.raises(ValidationError, match="greater than or equal to 20"):
        Params(size=2)
