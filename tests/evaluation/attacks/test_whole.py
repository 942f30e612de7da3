"""Comparisons of whole models, where the answer is known."""

import numpy as np
import pytest
import torch

from neurosieve.errors import UserError
from neurosieve.evaluation.attacks.whole import (
    log_probabilities,
    output_distance,
    relearning_steps,
    told_apart,
    weight_distance,
)

KEPT = np.array([0, 1, 3])


def test_forgotten_class_is_left_out():
    logits = np.random.default_rng(0).normal(size=(5, 4))
    other = logits.copy()
    other[:, 2] = 1e6
    np.testing.assert_array_equal(*(log_probabilities(x, KEPT) for x in (logits, other)))


def test_told_apart():
    draw = np.random.default_rng(0)
    logits = draw.normal(size=(16, 6, 4))
    assert told_apart(np.add(logits[:8], [3, 0, 0, 0]), logits[8:], KEPT).mean() == 1
    alike = [told_apart(*draw.normal(size=(2, 8, 6, 4)), KEPT).mean() for _ in range(20)]
    assert 0.35 < np.mean(alike) < 0.65
    with pytest.raises(UserError, match="or more are needed"):
        told_apart(logits[:7], logits[7:14], KEPT)


def test_relearning():
    torch.manual_seed(0)
    module, x = torch.nn.Linear(4, 2), torch.eye(4)
    rows = x, torch.tensor([0, 1, 0, 1])
    before = module.weight.clone()
    steps = relearning_steps(module, rows, 1.0, lr=1.0, most=50)
    assert 0 < steps <= 50
    assert torch.equal(module.weight, before)
    assert relearning_steps(module, rows, 0.0, lr=1.0, most=50) == 0
    assert relearning_steps(module, rows, 1.0, lr=0.0, most=3) == 4


def test_distances():
    one, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    other.load_state_dict({name: 2 * p for name, p in one.state_dict().items()})
    assert weight_distance(one, other) == pytest.approx(0.5)
    assert output_distance(np.array([[1e3, 0]]), np.array([[0, 1e3]])) == pytest.approx(1)
    with pytest.raises(UserError, match="different parameters"):
        weight_distance(one, torch.nn.Linear(2, 2))
