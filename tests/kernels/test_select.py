import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neurosieve.kernels.select import first_smallest


def test_first_among_equals():
    np.testing.assert_array_equal(np.sort(first_smallest(np.array([1.0, 0.0, 1.0, 1.0, 2.0]), 3)), [0, 1, 2])


def test_none():
    assert len(first_smallest(np.array([1.0]), 0)) == 0


@given(arrays(np.float32, st.integers(1, 50), elements=st.integers(0, 5)), st.data())
def test_equals_a_stable_sort(scores, data):
    k = data.draw(st.integers(0, len(scores)))
    expected = np.sort(np.argsort(scores, kind="stable")[:k])
    np.testing.assert_array_equal(np.sort(first_smallest(scores, k)), expected)
