"""Two runs draw the same from the global generators, whatever a component says of itself."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from neurosieve.jobs.seeding import seed_generators


@pytest.mark.parametrize("seed", [0, 11, 2**32 - 1, None])
def test_every_global_generator_follows_the_seed(seed: int | None) -> None:
    draws = []
    for _ in range(2):
        seed_generators(seed)
        draws.append((random.random(), np.random.random(), torch.rand(1).item()))  # noqa: NPY002
        random.seed(99)
        np.random.seed(99)  # noqa: NPY002
        torch.manual_seed(99)
    assert draws[0] == draws[1]
