import numpy as np
import pytest
from tests.support import golden

from neurosieve.models.associative import theory


@pytest.mark.parametrize(
    ("order", "alpha", "rho", "m"), [(2, 0.1, 0, 0.998435), (4, 0.02, 0, 0.932111), (4, 0.02, 0.15, 0.776559)]
)
def test_numbers_of_the_formula(order, alpha, rho, m):
    assert theory.one_step(order, alpha, rho) == pytest.approx(m, abs=5e-7)


def test_golden_formula_on_a_grid():
    for order, alpha, rho, m in golden("dense-hebbian", "theory")["formula"]:
        assert theory.one_step(int(order), alpha, rho) == pytest.approx(m, abs=1e-9)


def test_golden_low_load():
    for order, quality, examples, beta, n, m in golden("dense-hebbian", "theory")["low_load"]:
        assert theory.low_load(int(order), quality, int(examples), beta) == pytest.approx((n, m), abs=1e-6)


def test_golden_saturated_pairs():
    arrays = golden("dense-hebbian", "theory")
    for alpha, temperature, *wanted in arrays["ags"]:
        assert theory.saturated_pairs(alpha, temperature) == pytest.approx(wanted, abs=1e-6)
    for alpha, m in arrays["ags_zero"][:-1]:
        assert theory.saturated_pairs(alpha, 0)[0] == pytest.approx(m, abs=1e-6)
    limit = arrays["ags_zero"][-1, 0]
    assert theory.saturated_pairs(limit - 1e-4, 0)[0] > 0.9
    assert theory.saturated_pairs(limit + 1e-4, 0)[0] == 0


def test_exact_patterns_without_load_are_kept():
    assert theory.one_step(4, 0.0, 0.0) == 1
    assert theory.entropy(1.0, 1) == 0
    assert theory.second_moment(1.0, 3) == 1
    m = 0.9
    for _ in range(200):
        m = np.tanh(3 * m**3)
    assert theory.low_load(4, 1.0, 1, 3.0) == pytest.approx((m, m), abs=1e-9)


def test_detection_falls_with_noise_and_rises_with_order():
    values = [theory.detection(48, 4, omega) for omega in (0, 3, 60, 240)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert theory.detection(48, 2, 60) < 0.1 < theory.detection(48, 4, 60)


@pytest.mark.parametrize(("quality", "examples"), [(0, 1), (1.1, 1), (-0.5, 2), (0.5, 0)])
def test_impossible_samples(quality, examples):
    with pytest.raises(ValueError, match="quality"):
        theory.entropy(quality, examples)
