"""Modules of a user's own project are found from its folder, for one test."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.own.projects import make


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's project, which is the current folder."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "their_network", raising=False)
    root = make(tmp_path / "project")
    monkeypatch.chdir(root)
    return root
