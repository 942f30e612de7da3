"""One finished tiny project per session, copied for each test; the warm start lives in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pipeline.clones import versioned
from tests.pipeline.sandbox import Sandbox


@pytest.fixture(scope="session")
def warm_folder() -> Iterator[dict[str, str]]:
    """Environment that keeps this session's warm start apart, and ends it."""
    folder = tempfile.mkdtemp(prefix="nsv-")
    environment = {"XDG_RUNTIME_DIR": folder, "NEUROSIEVE_WARM_IDLE": "20"}
    yield environment
    command, full = Sandbox(Path(folder), environment).command("neurosieve.warm", "stop")
    full["PYTHONPATH"] = str(Path(__file__).parents[2] / "src")
    subprocess.run(command, env=full, check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, warm_folder: dict[str, str]) -> Sandbox:
    """A tiny project after a complete run. Not to be changed: use `project`."""
    box = Sandbox.make(tmp_path_factory.mktemp("finished") / "project", environment=warm_folder)
    ran = box.snakemake()
    assert ran.code == 0, ran.output
    return box


@pytest.fixture
def project(finished: Sandbox, tmp_path: Path) -> Sandbox:
    """A copy of the finished project to change at will."""
    shutil.copytree(finished.root, tmp_path / "project", symlinks=True)
    return Sandbox(tmp_path / "project", finished.environment)


@pytest.fixture
def fresh(tmp_path: Path, warm_folder: dict[str, str]) -> Sandbox:
    """A tiny project in which nothing has run."""
    return Sandbox.make(tmp_path / "project", environment=warm_folder)


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    """Mounts a small file system at a folder, or mounts it anew with other options; skips where that is not allowed."""
    mounted: list[Path] = []

    def run(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        again = f"remount,{options}" if folder in mounted else options
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", again, "tmpfs", str(folder)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        mounted.append(folder)

    yield run
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC's own records stay in the test's folder; git has an author and no settings of this machine."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / ".site"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")


@pytest.fixture
def ann(tmp_path: Path, apart: None) -> Path:
    """A project without studies: its store holds what the tests put there."""
    root = tmp_path / "ann"
    (root / "config").mkdir(parents=True)
    (root / "config" / "config.yaml").write_text("scale: default\nstudies: []\n")
    versioned(root)
    return root
