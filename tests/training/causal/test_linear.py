"""The baselines as components: each study by itself, and what the instrument's own effect does to them."""

import numpy as np
import pytest
from tests.causal import fresh, simulated

from neurosieve.artifacts.log import Log
from neurosieve.models.causal.tables import tables
from neurosieve.optim import linear_iv
from neurosieve.training.causal import genius, ordinary_least_squares, two_stage_least_squares

WAYS = {
    ordinary_least_squares: lambda one: linear_iv.ols(one.x, one.z, one.a, one.y),
    two_stage_least_squares: lambda one: linear_iv.two_stage(one.x, one.z, one.a, one.y),
    genius: lambda one: linear_iv.genius(one.z, one.a, one.y),
}


@pytest.mark.parametrize("module", WAYS)
def test_studies_are_estimated_one_by_one(module):
    data, log = simulated(size=300, studies=3), Log()
    system = module.train(fresh(), data, module.Params(replicates=2), log).system
    expected = [WAYS[module](one) for one in tables(data.train)[:2]]
    np.testing.assert_array_equal(np.column_stack([system["estimate"], system["error"]]), expected)
    assert log.timings.keys() == {"train_seconds"}


def test_an_instrument_that_acts_by_itself_misleads_those_that_need_it_not_to():
    data = simulated(size=16_000, studies=4)
    found = {module: module.train(fresh(), data, module.Params(), Log()).system["estimate"].mean() for module in WAYS}
    assert found[two_stage_least_squares] - 1 > 2
    assert 0.7 < found[ordinary_least_squares] - 1 < 1.3
    assert abs(found[genius] - 1) < 0.6
    params = ordinary_least_squares.Params(instrument=False)
    without = ordinary_least_squares.train(fresh(), data, params, Log()).system["estimate"].mean()
    assert without > found[ordinary_least_squares]
