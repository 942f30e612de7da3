"""The tier `make test-cluster`: a Slurm of its own for the session, and small projects that run on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm import Cluster, absent

PACKAGES = ("slurm-wlm", "munge", "rsync")


@pytest.fixture(scope="session")
def installed() -> None:
    """All programs are here. They are installed where they lack and may be; elsewhere their absence is an error."""
    if absent() and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *PACKAGES]):
            subprocess.run(["apt-get", *command], env=environment, check=False)
    if missing := absent():
        pytest.fail(f"{', '.join(missing)} not found: install the packages {', '.join(PACKAGES)}")


@pytest.fixture(scope="session")
def cluster(installed: None) -> Iterator[Cluster]:
    """A running cluster."""
    folder = Path(tempfile.mkdtemp(prefix="nsl-"))  # short: munge's socket has a path of 108 bytes at most
    running = Cluster(folder)
    try:
        yield running.start()
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _end_runs() -> Iterator[None]:
    from tests.pipeline.watch import end_all

    yield
    end_all()
