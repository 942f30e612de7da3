"""The tiny study, computed once for all tests of views; each gets a project of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests import toys

from neurosieve.plan.project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the computed project, without views; nobody may change it."""
    folder = tmp_path_factory.mktemp("views") / "p"
    toys.ran(folder, toys.study())
    return folder


@pytest.fixture
def made(finished: Path, tmp_path: Path) -> Project:
    """A computed project of its own, without views."""
    shutil.copytree(finished, tmp_path / "p", symlinks=True)
    return toys.again(tmp_path / "p")
