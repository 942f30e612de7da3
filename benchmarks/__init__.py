"""Races against peers: `make bench`, or `python -m pytest benchmarks`. Not part of the tests; see racing.py."""

import os

# before numpy, numba or torch is imported: they read these once
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"
