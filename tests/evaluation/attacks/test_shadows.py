"""Shadow pools told apart, with pairs left out: against a plain loop, and at chance where they are alike."""

import numpy as np
import pytest

from neurosieve.errors import UserError
from neurosieve.evaluation.attacks.intervals import of_wins
from neurosieve.evaluation.attacks.klom import halves
from neurosieve.evaluation.attacks.shadows import offline, told_apart, u_lira


@pytest.mark.parametrize("one_sided", [False, True])
def test_told_apart_is_the_plain_loop(one_sided):
    draw = np.random.default_rng(0)
    unlearned, retrained = draw.normal(0.3, 1, (9, 5)), draw.normal(0, 1, (8, 5))
    plain = np.empty((9, 8))
    for i in range(9):
        for j in range(8):
            rest = np.delete(unlearned, i, 0).T, np.delete(retrained, j, 0).T

            def score(rows, rest=rest):
                return (-offline(rest[1], rows) if one_sided else u_lira(*rest, rows)).sum()

            plain[i, j] = (np.sign(score(unlearned[i]) - score(retrained[j])) + 1) / 2
    np.testing.assert_array_equal(told_apart(unlearned, retrained, one_sided=one_sided), plain)


def test_alike_pools_are_at_chance():
    draw = np.random.default_rng(1)
    areas = [told_apart(*draw.normal(size=(2, 16, 20))).mean() for _ in range(100)]
    assert np.mean(areas) == pytest.approx(0.5, abs=0.05)
    apart = told_apart(draw.normal(0.6, 1, (16, 20)), draw.normal(0, 1, (16, 20)))
    assert apart.mean() > 0.8


@pytest.mark.parametrize("shift", [0.0, 0.62])
def test_pools_keep_the_stated_error(shift):
    """Rows of a model rise and fall together. Alike pools seldom show a trace, ones at the margin are seldom clean."""
    draw, called = np.random.default_rng(7), []
    for _ in range(80):
        pools = draw.normal(size=(2, 16, 20)) + draw.normal(size=(2, 16, 1))
        pools[0] += shift * 2**0.5
        estimate = of_wins(told_apart(*pools))
        called.append((estimate.value, estimate.inside(0.25, 0.75) <= 0.05, estimate.outside(0.25, 0.75) <= 0.05))
    areas, clean, trace = np.array(called).T
    assert trace.mean() < 0.05 + 0.05
    if shift:
        assert areas.mean() > 0.7
        assert clean.mean() < 0.05 + 0.05


def test_refusals():
    with pytest.raises(UserError, match=r"8 \+ 8"):
        told_apart(np.eye(9), np.eye(7, 9))
    with pytest.raises(UserError, match="agree exactly"):
        told_apart(np.random.default_rng(0).normal(size=(8, 3)), np.ones((8, 3)))
    with pytest.raises(UserError, match="8 retrained"):
        halves(np.eye(8), np.eye(7, 8), np.random.default_rng(0))


def test_klom_stands_beside_its_floor():
    draw = np.random.default_rng(2)
    pools = draw.normal(size=(2, 32, 10))
    alike, floor = halves(*pools, draw)
    assert (floor > 0).all()
    assert alike.mean() == pytest.approx(floor.mean(), rel=0.25)
    apart, _ = halves(pools[0] + 2, pools[1], draw)
    assert apart.mean() > 1.5 * floor.mean()
