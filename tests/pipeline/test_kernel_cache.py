"""Many processes compile the same kernels at once into an empty cache, beside sources that cannot be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.sandbox import ROOT

pytestmark = pytest.mark.pipeline
PROGRAM = """
import hashlib, os, sys
import numba, numpy as np  # once, as the warm start does

def work(cache):
    os.environ["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR = cache
    from neurosieve.kernels.calibrate import _least_divergent
    from neurosieve.kernels.dampen import dampen
    draw = np.random.default_rng(0)
    theta, full, part = draw.standard_normal(5000), draw.random(5000), draw.random(5000)
    counts = dampen(theta, full, part, 1.0, 0.5, False, np.array([0, 100, 5000]))
    kept = _least_divergent(draw.random(512), 128)
    parts = [theta.tobytes(), *(count.tobytes() for count in counts), str(kept).encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()

cache, number = sys.argv[1], int(sys.argv[2])
gate, children = os.pipe(), []
for _ in range(number):
    answer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(gate[1])
        os.read(gate[0], 1)  # all begin when the parent closes its end
        os.write(answer[1], work(cache).encode())
        os._exit(0)
    os.close(answer[1])
    children.append((child, answer[0]))
os.close(gate[1])
for child, answer in children:
    digest = os.read(answer, 100).decode()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), digest)
"""


@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.faults)])
def test_many_processes_compile_at_once(tmp_path: Path, mount: Callable[..., None], rounds: int) -> None:
    source, cache = tmp_path / "src", tmp_path / "cache"
    mount(source, "size=32m")
    shutil.copytree(ROOT / "src" / "neurosieve", source / "neurosieve", ignore=shutil.ignore_patterns("__pycache__"))
    mount(source, "ro")
    environment = {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}

    def answers(number: int) -> list[str]:
        command = [sys.executable, "-c", PROGRAM, str(cache), str(number)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout.splitlines()

    found: set[str] = set()
    for _ in range(rounds):
        shutil.rmtree(cache, ignore_errors=True)
        lines = answers(8)
        assert len(lines) == 8
        found |= set(lines)
    assert list(cache.rglob("*.nbc")), "it was cached"
    found |= set(answers(1))  # from the cache
    (line,) = found
    assert line.startswith("0 ")
    assert len(line) == 2 + 64
