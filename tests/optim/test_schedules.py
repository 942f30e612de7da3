import numpy as np
import pytest
from tests.support import golden

from neurosieve.optim.schedules import constant, cosine, steps, warmup_linear, warmup_shifted


def test_warmup_linear():
    factor = warmup_linear(20)
    assert factor(0, 100) == pytest.approx(1 / 20)
    assert factor(19, 100) == pytest.approx(1 - 19 / 125)
    assert factor(60, 100) == pytest.approx(1 - 60 / 125)
    assert factor(100, 100) == pytest.approx(0.2)


def test_no_warmup_and_full_fall():
    assert warmup_linear(0, 1.0)(0, 10) == 1.0
    assert warmup_linear(0, 1.0)(10, 10) == 0.0


def test_warmup_shifted_as_the_authors_code():
    g = golden("corrective-unlearning", "linear-lr")
    for total, at in ((250, range(252)), (50, range(52)), (4000, g["in.steps_4000"])):
        rates = [g["in.base_lr"][0] * warmup_shifted(total // 100)(int(step), total) for step in at]
        np.testing.assert_allclose(rates, g[f"out.lr_{total}"], rtol=0, atol=1e-15)


def test_cosine_steps_constant():
    factor = cosine(warmup=2, floor=0.1)
    assert [factor(0, 12), factor(1, 12), factor(2, 12)] == [0.5, 1.0, 1.0]
    assert factor(7, 12) == pytest.approx(0.55)
    assert factor(12, 12) == pytest.approx(0.1)
    assert [steps()(s, 100) for s in (0, 49, 50, 74)] == pytest.approx([1, 1, 0.1, 0.1])
    assert steps()(75, 100) == pytest.approx(0.01)
    assert constant(5, 10) == 1.0
