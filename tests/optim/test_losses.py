import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from tests.support import golden, perceptron

from neurosieve.optim.losses import divergence_per_element, jensen_shannon, mixed_targets, squared_logits, supervised


@pytest.mark.parametrize("temperature", [1, 2])
def test_bad_teacher_golden_vectors(temperature):
    g = {name: torch.from_numpy(value) for name, value in golden("ssd", "bad-teacher-loss").items()}
    student = g["in.student"].requires_grad_(True)
    targets = mixed_targets(g["in.flag"], g["in.teacher_bad"], g["in.teacher_ok"], temperature)
    loss = divergence_per_element(student, targets, temperature)
    (gradient,) = torch.autograd.grad(loss, student)
    torch.testing.assert_close(targets, g[f"out.target_T{temperature}"], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(loss, g[f"out.loss_T{temperature}"][0], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(gradient, g[f"out.grad_T{temperature}"], rtol=1e-10, atol=1e-10)


def test_squared_logits():
    logits = torch.tensor([[3.0, 4.0], [0.0, 1.0]])
    assert squared_logits(logits).tolist() == [25.0, 1.0]


def test_supervised_is_the_mean_negative_log_probability():
    net, x, y = perceptron(3, 2), torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    expected = -net(x).log_softmax(1)[torch.arange(4), y].mean()
    torch.testing.assert_close(supervised(net, x, y), expected)


@pytest.mark.parametrize("temperature", [1, 3])
def test_jensen_shannon_is_scipys_distance_squared(temperature):
    first, second = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    p, q = (np.asarray((logits / temperature).softmax(1)) for logits in (first, second))
    np.testing.assert_allclose(jensen_shannon(first, second, temperature), jensenshannon(p, q, axis=1) ** 2, atol=1e-12)


def test_jensen_shannon_from_the_same_to_the_opposite():
    logits = torch.tensor([[900.0, 0.0], [0.0, 900.0]])
    assert jensen_shannon(logits, logits).tolist() == [0, 0]
    assert jensen_shannon(logits, logits.flip(0)).tolist() == pytest.approx([math.log(2)] * 2)
