import numpy as np
import pytest

from neurosieve.kernels.correction import floor_of, score


def test_what_exceeds_chance_and_slack_is_taken_off():
    assert score(0.9, 0.1, 0.1) == 0.9
    assert score(0.9, 0.15, 0.1) == pytest.approx(0.9)
    assert score(0.9, 0.45, 0.1) == pytest.approx(0.6)
    assert score(0.9, 1.0, 0.0) == pytest.approx(-0.05)


def test_the_floor_is_chance_where_all_rows_carry_one_label():
    assert floor_of(np.zeros(9, int), 10) == 0.1
    assert floor_of(np.array([3, 5, 3]), 10) == 0.0
