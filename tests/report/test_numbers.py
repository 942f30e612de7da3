"""Numbers are rounded for the eye and kept in full for the machine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from neurosieve.report import numbers


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1.25, 1, "1.2"),
        (-3.14159, 2, "−3.14"),
        (12345.6, 0, "12\u202f346"),
        (-0.0004, 1, "0.0"),
        (0, 0, "0"),
        (float("nan"), 2, "not finite"),
        (float("-inf"), 2, "not finite"),
    ],
)
def test_shown(value, decimals, text):
    assert numbers.shown(value, decimals) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_data_keeps_ten_digits_and_whole_numbers_in_full(value):
    text = str(numbers.data(value, numbers.shown(value, 1)))
    assert float(text.split('"')[1]) == pytest.approx(value, rel=1e-9, abs=0)
    assert str(numbers.data(round(value), "x")).split('"')[1] == str(round(value))


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=9))
def test_the_interval_is_that_of_student(values):
    low, high = numbers.interval(values)
    spread = np.std(values, ddof=1) / len(values) ** 0.5
    if spread < 1e-6:
        assert low == pytest.approx(high, abs=1e-3)
        return
    expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), spread)
    assert (low, high) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0), (1.0, float("nan"), 2.0)])
def test_fewer_than_three_runs_have_no_interval(values):
    assert numbers.interval(values) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.031, "0.03 s"),
        (4.44, "4.4 s"),
        (59.4, "59 s"),
        (59.7, "1 min"),
        (200, "3 min 20 s"),
        (3900, "1 h 5 min"),
        (3605, "1 h"),
    ],
)
def test_duration(seconds, text):
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize(
    ("values", "unit", "places"),
    [
        ((3, 20490), "count", 0),
        ((0.93, 0.0), "share", 1),
        ((0.0312, 9.8), "s", 3),
        ((2.01, 9.8), "s", 1),
        ((), "s", 0),
        ((1e-9, 2.0), "–", 3),
    ],
)
def test_decimals_of_a_column(values, unit, places):
    assert numbers.decimals(values, unit) == places


@pytest.mark.parametrize(
    ("value", "text"), [(3.814e-06, "3.8 × 10⁻⁶"), (-2e7, "−2.0 × 10⁷"), (0.0123, "0.0123"), (0.0, "0"), (512.0, "512")]
)
def test_scientific(value, text):
    assert numbers.scientific(value) == text


def test_units_in_words():
    assert [numbers.unit_word(unit) for unit in ("share", "–", "s", "", "outcome")] == ["%", "", "s", "", ""]
    assert numbers.factor("share") == 100
    assert numbers.plural(1, "study", "studies") == "1 study"
    assert numbers.plural(2000, "node") == "2\u202f000 nodes"


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ((), ""),
        ((11,), "11"),
        ((11, 12, 13), "11, 12, 13"),
        (range(200), "0 to 199"),
        ((3, 0, 1, 2, 9, 11, 12), "0 to 3, 9, 11, 12"),
    ],
)
def test_listed(seeds, text):
    assert numbers.listed(seeds) == text
