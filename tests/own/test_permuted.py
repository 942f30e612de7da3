"""Labels in another order than the outputs are recognised, and the order that mends them is found."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosieve.own.permuted import agreement


def answers(labels: np.ndarray, classes: int, wrong: float = 0.1) -> np.ndarray:
    """Logits [rows, classes] of a model that is right but for a share of the rows."""
    draw = np.random.default_rng(0)
    said = np.where(draw.random(len(labels)) < wrong, draw.integers(classes, size=len(labels)), labels)
    return np.eye(classes)[said]


@settings(max_examples=20)
@given(st.permutations(range(5)))
def test_the_order_that_mends_the_labels_is_found(order: list[int]) -> None:
    """Output k of the model stands for class order[k]."""
    labels = np.arange(200) % 5
    position = np.argsort(order)
    found = agreement(labels, answers(position[labels], 5))
    fixed = sum(one == at for at, one in enumerate(order))
    if fixed == 5:
        assert not found.permuted
        assert found.order is None
    else:
        assert found.permuted
        assert found.order == tuple(order)
        assert found.in_order > 0.85


def test_a_model_that_guesses_and_one_that_always_says_the_same_know_nothing() -> None:
    labels = np.arange(300) % 10 == 0
    draw = np.random.default_rng(1)
    always = agreement(labels.astype(int), np.eye(2)[np.zeros(300, int)])
    assert (always.right, always.chance) == (0.9, 0.9)
    assert always.guesses
    assert always.order is None
    guessing = agreement(np.arange(300) % 10, draw.normal(size=(300, 10)))
    assert guessing.guesses
    assert guessing.order is None


def test_a_weak_model_is_not_suspected() -> None:
    labels = np.arange(300) % 3
    assert not agreement(labels, answers(labels, 3, wrong=0.7)).permuted


def test_more_outputs_than_classes() -> None:
    labels = np.arange(300) % 3
    assert not agreement(labels, answers(labels, 7)).permuted
