"""What every test runs under: one thread, no screen, and examples that are the same on every CI run."""

import os

# before numpy, numba or torch is imported: they read these once
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

# no deadline: the first call of a numba kernel compiles it
settings.register_profile("neurosieve", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("neurosieve")


TIERS = ("faults", "cluster")
"""Marks of tests that take minutes: they run only where they are asked for."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tiers that `-m` does not name."""
    asked = str(config.getoption("-m"))
    for tier in (tier for tier in TIERS if tier not in asked):
        items[:] = [item for item in items if item.get_closest_marker(tier) is None]
