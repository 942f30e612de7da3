"""Copies among retained rows, where the answer is known."""

import numpy as np

from neurosieve.evaluation.attacks.copies import copies


def test_copies():
    retain = np.random.default_rng(0).normal(5, 1, size=(50, 3, 3)).astype(np.float32)
    forget = np.stack([retain[4], retain[9] + np.float32(1e-3), retain[0] + 10])
    assert copies(forget, retain, near=0.01) == (1, 1)
    assert copies(forget, retain, near=0.0) == (1, 0)


def test_whole_numbers_have_copies_only():
    tokens = np.arange(12).reshape(4, 3)
    assert copies(tokens[:2], np.concatenate([tokens[1:], tokens[1:]]), near=1.0) == (1, 0)
