"""The tiny study with a certificate: its attack finds what it is told to, so that each outcome can be had."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests import toys

from neurosieve.artifacts.certificates import FILE, folder_of
from neurosieve.plan.project import Project
from neurosieve.requests.certificate import Issued, certify

ASKED = {"variants": ["drop"], "before": "original", "reference": "R-1", "retention": "2027-01-31"}


def study(found: float = 0.5, certify: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """One seed; the attack finds an AUC of `found` in `drop` and its export."""
    evidence = {"use": "toy_evidence", "found": found, "of": ["drop"]}
    content = {"seeds": [11], "claims": [], "scales": {}, "evaluate": [{"use": "toy_accuracy"}, evidence]}
    return toys.study(**{**content, "certify": {**ASKED, **(certify or {})}, **changes})


def computed(root: Path, content: dict[str, Any]) -> Project:
    """A project with the study, every node computed; over what is there."""
    made = toys.project(root, {"tiny": content})
    toys.run(made)
    return toys.again(root)


def issued(root: Path, content: dict[str, Any], **more: Any) -> Issued:
    """The certificate of the study as it is now."""
    return certify(computed(root, content), "tiny", **more)


def copied(finished: Path, root: Path) -> Path:
    """A copy of a computed project; the folder of its certificates."""
    shutil.copytree(finished, root, symlinks=True)
    return folder_of(root / "results")


def file(root: Path, number: int) -> Path:
    """The file of a certificate."""
    (found,) = folder_of(root / "results").glob(f"{number:04d}-*")
    return found / FILE
