"""Issue the certificate of a study: the next of the chain where its result is new, else the one that is there."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from neurosieve.artifacts.certificates import Certificate, alone, append, breaks, chain, folder_of
from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.report.certificate import draw
from neurosieve.requests.signature import private_key, sign
from neurosieve.requests.statement import is_of, read_study, statement_of
from neurosieve.views.git import git_says


@dataclass(frozen=True)
class Issued:
    """A study's certificate, whether it was written now, and the key it was signed with now."""

    certificate: Certificate
    new: bool
    signer: str | None

    def line(self, results: Path) -> str:
        """What the command prints."""
        one = self.certificate
        where = one.folder.relative_to(results.parent)
        signed = f", signed by {self.signer}" if self.signer else ""
        return f"{where}: {one.statement['title']}{'' if self.new else ' (unchanged)'}{signed}"


def certify(
    project: Project, slug: str, key_file: Path | None = None, purge: Mapping[str, Any] | None = None
) -> Issued:
    """The certificate of a computed study, appended to the chain where models, evidence or `purge` are new.

    Signed with `key_file`, else with the key that config.yaml names. `purge` says what was erased; later certificates
    of the request keep saying it. Raises UserError as `read_study`, and for a broken chain or an unusable key.
    """
    key_file = key_file or _configured(project)
    key = private_key(key_file, project.root) if key_file else None  # before anything is written
    reading = read_study(project, slug)
    root = folder_of(project.store.results)
    with alone(root):
        earlier = chain(root)
        if broken := next(breaks(earlier), None):
            raise UserError(f"{broken}; nothing is added to a broken chain: put back what was written")
        statement = statement_of(reading, earlier, purge)
        last = _last(earlier, slug, statement["request"]["reference"])
        new = last is None or last.statement["result"] != statement["result"]
        if last is None or new:
            name = f"{slug}-{statement['request']['reference']}"
            last = append(project.store, name, statement, earlier, _now(), software(project), draw)
        signer = sign(last.folder, key) if key else None
    return Issued(last, new, signer)


def software(project: Project) -> dict[str, Any]:
    """By what a certificate was written."""
    try:
        own = version("neurosieve")
    except PackageNotFoundError:
        own = "unknown"
    commit = (git_says(project.root, "rev-parse", "HEAD") or "").strip() or None
    return {"neurosieve": own, "python": platform.python_version(), "commit": commit}


def _configured(project: Project) -> Path | None:
    named = project.settings.certificates
    return (project.root / named.sign).expanduser() if named else None


def _last(earlier: list[Certificate], slug: str, reference: str) -> Certificate | None:
    """The latest certificate of a study and a request."""
    return next((one for one in reversed(earlier) if is_of(one, slug, reference)), None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
