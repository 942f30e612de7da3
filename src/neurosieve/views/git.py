"""What git says of the project, or nothing where it is not there or refuses."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_says(root: Path, *arguments: str) -> str | None:
    """What a git command prints in the folder; None where it fails or there is no git."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
