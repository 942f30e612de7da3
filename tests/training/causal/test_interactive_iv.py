import numpy as np
import pytest
from tests.causal import families, fresh, simulated

from neurosieve.artifacts.log import Log
from neurosieve.models.causal.tables import tables
from neurosieve.training.causal.cross_fitted import folds
from neurosieve.training.causal.interactive_iv import Params, train


def test_an_instrument_that_acts_by_itself_misleads_it():
    data, log = simulated(size=4000, studies=2), Log()
    system = train(fresh(), data, Params(learner="linear", replicates=2), 3, log).system
    assert system["estimate"].shape == (2, 1)
    assert (system["estimate"] - 1 > 1).all()
    assert log.timings.keys() == {"train_seconds"}
    again = train(fresh(), data, Params(learner="linear", replicates=1), 3, Log()).system
    assert again["estimate"][0] == system["estimate"][0]


def test_families_give_what_doubleml_gives_in_the_same_folds():
    doubleml = pytest.importorskip("doubleml")
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = families(3000)
    (one,) = tables(data.train)
    frame = doubleml.DoubleMLData.from_arrays(one.x, one.y, one.a, one.z)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=1e6, max_iter=1000))
    line = make_pipeline(StandardScaler(), LinearRegression())
    subgroups = {"always_takers": False, "never_takers": True}
    theirs = doubleml.DoubleMLIIVM(
        frame, line, logistic, logistic, subgroups=subgroups, draw_sample_splitting=False, n_folds=2
    )
    held = folds(one.keys, 2, [3, 0, 0])
    rows = [(np.flatnonzero(held != k), np.flatnonzero(held == k)) for k in (0, 1)]
    theirs.set_sample_splitting([rows])
    theirs.fit()
    ours = train(fresh(), data, Params(learner="linear", one_sided=True), 3, Log()).system
    # their outcome is fitted within each arm of the instrument, ours over treatment and instrument together
    assert ours["estimate"][0, 0] == pytest.approx(theirs.coef[0], abs=0.5 * theirs.se[0])
    assert ours["error"][0, 0] == pytest.approx(theirs.se[0], rel=0.2)
