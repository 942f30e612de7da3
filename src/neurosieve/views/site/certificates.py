"""Certificates as the index and the studies' pages list them, and copies of their pages beside those."""

from __future__ import annotations

import shutil
from pathlib import Path

from neurosieve.artifacts.certificates import FILE, PAGE, Certificate, folder_of, folders, read_certificate
from neurosieve.errors import UserError
from neurosieve.report import state as page
from neurosieve.report.questions import GLYPHS


def certificates(results: Path) -> tuple[page.Certificate, ...]:
    """Every certificate of a project, the latest first; one that was changed is listed as such."""
    found = []
    for folder in reversed(folders(folder_of(results))):
        try:
            found.append(_listed(read_certificate(folder / FILE)))
        except (UserError, KeyError, TypeError):
            remark = "its file was changed or cannot be read; `neurosieve verify` says what is wrong"
            found.append(page.Certificate(file="", title=folder.name, verdict="undecided", says="", remark=remark))
    return tuple(found)


def copy_pages(results: Path, out: Path) -> None:
    """Copy each certificate's page to `out/certificates/<folder>.html`, where the other pages link to it."""
    for folder in folders(folder_of(results)):
        if (folder / PAGE).is_file():
            (out / "certificates").mkdir(exist_ok=True)
            shutil.copyfile(folder / PAGE, out / "certificates" / f"{folder.name}.html")


def _listed(one: Certificate) -> page.Certificate:
    said = one.statement
    weaker = said["status"] != said["outcome"]
    return page.Certificate(
        file=f"{one.folder.name}.html" if (one.folder / PAGE).is_file() else "",
        title=f"No. {one.number}: {said['study']}, request {said['request']['reference']}",
        study=said["study"],
        rows=said["request"]["rows"]["train"],
        passed=said["tests"]["no trace"],
        tests=said["tests"]["run"],
        issued=one.record["issued"][:10],
        verdict=GLYPHS[said["outcome"]],
        says=said["title"],
        remark=f"with its earlier requests: {said['status']}" if weaker else "",
    )
