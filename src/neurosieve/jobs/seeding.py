"""The global random generators, seeded before a component runs: third-party code and new layers draw from them."""

from __future__ import annotations

import random
import sys

import numpy as np


def seed_generators(seed: int | None) -> None:
    """Seed the generators of Python, numpy and (where it is imported) torch.

    What says that it draws nothing gets 0: if it does draw after all, two runs still give the same.
    """
    seed = seed or 0
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - third-party code draws from the global generator
    if "torch" in sys.modules:
        import torch

        torch.manual_seed(seed)
