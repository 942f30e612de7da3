import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from tests.support import golden, perceptron

from neurosieve.optim.losses import (
    divergence_per_element,
    jensen_shannon,
    mixed_targets,
    row_losses,
    squared_logits,
    supervised,
)


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


def test_bad_teacher_as_the_corrective_benchmark():
    g = {name: torch.as_tensor(np.asarray(v)) for name, v in golden("corrective-unlearning", "badt-mix").items()}
    student = g["in.student"].requires_grad_(True)
    targets = mixed_targets(g["in.in_forget"].bool(), g["in.random"], g["in.original"], 1.0)
    loss = divergence_per_element(student, targets, 1.0)
    (gradient,) = torch.autograd.grad(loss, student)
    torch.testing.assert_close(targets, g["out.target"], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(loss, g["out.loss"][0], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(loss * student.numel(), g["out.kl_rows"].sum(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(gradient, g["out.grad"], rtol=1e-10, atol=1e-10)


def test_a_bad_teacher_asks_nothing_of_the_original_where_no_row_is_flagged():
    logits = torch.tensor([[1.0, 0.0], [3.0, -2.0]])
    flags = torch.tensor([True, False])
    assert torch.equal(mixed_targets(flags, -logits, logits, 1.0)[0], (-logits).softmax(1)[0])
    same = mixed_targets(torch.zeros(2, dtype=torch.bool), -logits, logits, 1.0)
    assert divergence_per_element(logits, same, 1.0).item() == pytest.approx(0, abs=1e-7)


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


def test_numbers_to_be_predicted_have_a_squared_error():
    net = torch.nn.Linear(2, 1)
    x, y = torch.randn(5, 2), torch.randn(5)
    by_row = row_losses(net(x), y)
    assert torch.allclose(by_row, (net(x)[:, 0] - y) ** 2)
    assert torch.allclose(supervised(net, x, y), by_row.mean())


def test_losses_of_rows_are_what_is_averaged():
    net, labels = torch.nn.Linear(2, 3), torch.tensor([0, 2, 1, 1])
    x = torch.randn(4, 2)
    assert torch.allclose(row_losses(net(x), labels).mean(), supervised(net, x, labels))
