"""The range that retrained models give among themselves."""

from functools import partial

import numpy as np

from neurosieve.evaluation.attacks.intervals import CHANCE
from neurosieve.evaluation.attacks.pool import own_spread
from neurosieve.evaluation.attacks.shadows import told_apart
from neurosieve.evaluation.attacks.tidy import resolves


def test_own_spread():
    draw = np.random.default_rng(0)
    null = own_spread(told_apart, draw.normal(size=(32, 20)), draw)
    assert null.low < 0.5 < null.high
    assert null.high - 0.5 > 0.8 * resolves(32, 32)  # never narrower than independent pairs, but by luck
    assert own_spread(told_apart, draw.normal(size=(15, 20)), draw) == CHANCE
    one_sided = own_spread(partial(told_apart, one_sided=True), draw.normal(size=(16, 20)), draw)
    assert one_sided.high > 0.55


def test_resolution():
    """The contract's own figures: 0.18 at 10 rows, 0.08 at 54, 0.05 at 128, beside many."""
    assert [round(resolves(n, 10**6), 2) for n in (10, 54, 128)] == [0.18, 0.08, 0.05]
    assert round(resolves(8, None), 2) == 0.35
