import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.support import golden

from neurosieve.kernels.dampen import dampen, dampen_grid, dampen_reference


def run(theta, full, part, alpha, lambda_=1.0, zero=False):
    theta = np.array(theta, dtype=np.float32)
    bounds = np.array([0, len(theta)])
    counted = dampen(theta, np.asarray(full, np.float32), np.asarray(part, np.float32), alpha, lambda_, zero, bounds)
    return theta, *(values[0] for values in counted)


def test_worked_example_with_a_tie():
    theta, count, total, smallest = run([2, 2, 2, 2], [1, 2, 0.5, 0], [20, 10, 5, 0], 10.0)
    np.testing.assert_array_equal(theta, np.float32([0.1, 2, 2, 2]))
    assert (count, total, smallest) == (1, 0.05, 0.05)


def test_cap_never_lets_a_weight_grow():
    theta, *_ = run([2, 2, 2, 2], [1, 2, 0.5, 0], [20, 10, 5, 0], 10.0, 30.0)
    np.testing.assert_array_equal(theta, np.float32([2, 2, 2, 2]))


def test_second_worked_example():
    theta, *_ = run([2, 2, 2, 2], [1, 2, 0.5, 0], [20, 10, 5, 0], 0.5, 0.5)
    np.testing.assert_allclose(theta, [0.05, 0.2, 0.1, 2], rtol=1e-6)


def test_zero_sets_the_selected_to_zero():
    theta, count, _, smallest = run([2, -2, 2], [1, 1, 1], [5, 3, 1], 2.0, zero=True)
    np.testing.assert_array_equal(theta, np.float32([0, 0, 2]))
    assert (count, smallest) == (2, 0.0)


def test_golden_vectors():
    g = golden("ssd", "dampen-vectors")
    for case, (alpha, lambda_) in enumerate(zip(g["in.alpha"], g["in.lambda"], strict=True)):
        theta, *_ = run(g["in.theta"], g["in.importance_full"], g["in.importance_forget"], float(alpha), float(lambda_))
        np.testing.assert_allclose(theta, g["out.theta"][case], rtol=1e-6, atol=1e-9)
        _, selected = dampen_reference(
            g["in.theta"], g["in.importance_full"], g["in.importance_forget"], float(alpha), float(lambda_)
        )
        np.testing.assert_array_equal(selected, g["out.selected"][case].astype(bool))


def test_segments_are_counted_apart():
    theta = np.ones(5, np.float32)
    full, part_ = np.ones(5, np.float32), np.float32([4, 1, 2, 8, 1])
    selected, total, smallest = dampen(theta, full, part_, 1.0, 1.0, False, np.array([0, 2, 2, 5]))
    np.testing.assert_array_equal(selected, [1, 0, 2])
    np.testing.assert_allclose(total, [0.25, 0, 0.625])
    np.testing.assert_allclose(smallest, [0.25, 1, 0.125])


positive = st.floats(0, 1e6, width=32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_equals_the_reference_for_any_numbers(dtype, data):
    n = data.draw(st.integers(1, 30))
    theta = data.draw(arrays(dtype, n, elements=st.floats(-100, 100, width=32)))
    full, part_ = (data.draw(arrays(np.float32, n, elements=positive)) for _ in range(2))
    alpha, lambda_ = data.draw(st.floats(0.01, 100)), data.draw(st.floats(0.01, 5))
    expected, chosen = dampen_reference(theta, full, part_, alpha, lambda_)
    result = theta.copy()
    selected, *_ = dampen(result, full, part_, alpha, lambda_, False, np.array([0, n]))
    np.testing.assert_array_equal(result, expected)
    assert selected[0] == chosen.sum()
    assert (np.abs(result) <= np.abs(theta)).all()


@given(arrays(np.float32, 7, elements=positive), arrays(np.float32, 7, elements=positive))
def test_a_grid_is_its_points(full, part_):
    theta = np.linspace(-3, 3, 7, dtype=np.float32)
    alphas, lambdas = np.array([0.5, 0.5, 2.0, 1e9]), np.array([0.1, 5.0, 1.0, 1e9])
    result, selected = dampen_grid(theta, full, part_, alphas, lambdas)
    for point, (alpha, lambda_) in enumerate(zip(alphas, lambdas, strict=True)):
        one, chosen = dampen_reference(theta, full, part_, alpha, lambda_)
        np.testing.assert_allclose(result[point], one, rtol=1e-6)
        assert selected[point] == chosen.sum()
        single, count, *_ = run(theta, full, part_, alpha, lambda_)
        np.testing.assert_array_equal(result[point], single)
        assert count == selected[point]
