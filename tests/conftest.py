"""What every test runs under: one thread, no screen, and examples that are the same on every CI run."""

import os

# before numpy, numba or torch is imported: they read these once
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import settings

# no deadline: the first call of a numba kernel compiles it
settings.register_profile("neurosieve", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("neurosieve")
