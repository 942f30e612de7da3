"""When each claim's criterion last changed: its hash recomputed along the history of the study's file.

Looked up when the page is drawn, outside its stamp. Without git, or in a shallow clone, the history is not
available, and the page says so. Texts of the file are immutable in git, so their hashes are remembered.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from neurosieve.errors import UserError
from neurosieve.evaluation.claims.grammar import claim_hash, parse_claims
from neurosieve.plan.project import Project
from neurosieve.plan.settings import Scale
from neurosieve.plan.study import load_study
from neurosieve.report import state as page
from neurosieve.views.git import git_says
from neurosieve.views.site.reader import Reader

NOT_AVAILABLE = "history not available"
DECIDER = "neurosieve.evaluation.claims.grammar"
Hashes = dict[str, str]


class Histories:
    """The claims' histories of all studies of a project; what git said is remembered between two drawings."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def of(self, reader: Reader, claims: Sequence[Mapping[str, Any]]) -> dict[str, page.History]:
        """History by claim."""
        earlier = _earlier(reader, claims)
        now = {str(record["claim"]): str(record["hash"]) for record in claims}
        if self._unavailable:
            return {claim: page.History(line=self._unavailable, earlier=earlier.get(claim, ())) for claim in now}
        path = f"config/studies/{reader.plan.slug}.yaml"
        found = self._changes(path, reader.plan.scale, now)
        behind = _commits_behind(reader)
        return {
            claim: self._history(found.get(claim), behind, earlier.get(claim, ()), bool(reader.records))
            for claim in now
        }

    def _history(
        self, change: tuple[str, str] | None, behind: set[str | None], earlier: tuple[str, ...], measured: bool
    ) -> page.History:
        if change is None:
            return page.History(line="not committed yet", younger=True if measured else None, earlier=earlier)
        commit, date = change
        known = {one for one in behind if one}
        younger = any(not self._is_ancestor(commit, one) for one in known) if known else None
        return page.History(commit=commit, date=date, younger=younger, earlier=earlier)

    # -- git ----------------------------------------------------------------------------------------------------

    @cached_property
    def _unavailable(self) -> str:
        """Why there is no history; empty where there is one."""
        shallow = git_says(self.project.root, "rev-parse", "--is-shallow-repository")
        if shallow is None or git_says(self.project.root, "rev-parse", "HEAD") is None:
            return f"{NOT_AVAILABLE} (no git history here)"
        return f"{NOT_AVAILABLE} (shallow clone)" if shallow.strip() == "true" else ""

    def _is_ancestor(self, commit: str, of: str) -> bool:
        return git_says(self.project.root, "merge-base", "--is-ancestor", commit, of) is not None

    def _changes(self, path: str, scale: str, now: Hashes) -> dict[str, tuple[str, str]]:
        """Commit and day that gave each claim the hash it has now: the oldest of the unbroken row of equal hashes."""
        found: dict[str, tuple[str, str]] = {}
        open_ = dict(now)
        for commit, date, blob in self._versions(path):
            hashes = self._hashes(blob, scale)
            for claim in list(open_):
                if hashes.get(claim) == open_[claim]:
                    found[claim] = (commit, date)
                else:
                    del open_[claim]
            if not open_:
                break
        self._remember()
        return found

    def _versions(self, path: str) -> list[tuple[str, str, str]]:
        """Commit, day and object of each version of a file, newest first, through renames."""
        found, place = [], -1
        while version := next((one for one in self._log.get(path, ()) if one[0] > place), None):
            place, commit, date, blob, path = version
            found.append((commit, date, blob))
        return found

    @cached_property
    def _log(self) -> dict[str, list[tuple[int, str, str, str, str]]]:
        """Of every file of a study, newest first: place in the log, commit, day, object, and its name until then.

        One call for all studies: git would go through the whole history for each.
        """
        log = (
            git_says(
                self.project.root, "log", "--raw", "-M", "--no-abbrev", "--format=%x00%H %cs", "--", "config/studies"
            )
            or ""
        )
        found: dict[str, list[tuple[int, str, str, str, str]]] = {}
        for place, entry in enumerate(filter(None, log.split("\0"))):
            head, *raw = [line for line in entry.splitlines() if line.strip()]
            commit, _, date = head.partition(" ")
            for line in raw:
                fields, before, *after = line.split("\t")
                _, _, _, blob, status = fields.split()
                if not status.startswith("D"):
                    found.setdefault((after or [before])[0], []).append((place, commit, date, blob, before))
        return found

    # -- hashes of a version ------------------------------------------------------------------------------------

    def _hashes(self, blob: str, scale: str) -> Hashes:
        """Hash by claim in one version of the file; none where it cannot be read as a study of today's form."""
        key = f"{scale} {blob}"
        if key not in self._memory:
            self._memory[key] = self._computed(blob, scale)
        return self._memory[key]

    def _computed(self, blob: str, scale: str) -> Hashes:
        text = git_says(self.project.root, "cat-file", "blob", blob)
        if text is None:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "study.yaml"
            path.write_text(text, encoding="utf-8")
            try:
                study = load_study(path, cast("Scale", scale)).study
                claims = parse_claims("study", study.claims)
            except UserError:
                return {}
        params = {use.use: use.params for use in study.evaluate}
        return {claim.id: claim_hash(claim, params) for claim in claims}

    @cached_property
    def _file(self) -> Path:
        code = self.project.source.code(DECIDER)
        return self.project.store.work / f"claim-hashes-{code}.json"

    @cached_property
    def _memory(self) -> dict[str, Hashes]:
        try:
            return json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}

    def _remember(self) -> None:
        """A folder that cannot be written costs only time."""
        aside = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(self._memory, sort_keys=True))
            os.replace(aside, self._file)
        except OSError:
            aside.unlink(missing_ok=True)


def _commits_behind(reader: Reader) -> set[str | None]:
    """Commits of the code that measured: what a criterion must not be younger than."""
    return {
        record["run"].get("commit") for record in reader.records.values() if record["stage"] in ("evaluate", "export")
    }


def _earlier(reader: Reader, claims: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Verdicts on other criteria of the same claims that are still in the store, oldest first."""
    now = {str(record["claim"]): record["hash"] for record in claims}
    found: dict[str, dict[str, str]] = {}
    for record in sorted(reader.earlier_verdicts(), key=lambda one: str(one["run"].get("started", ""))):
        if record["recipe"].get("scale") != reader.plan.scale:
            continue
        folder = reader.store.path(f"verdict/{record['name']}-{record['key']}")
        for old in _read(folder / "verdicts.json"):
            claim, digest = str(old.get("claim")), str(old.get("hash"))
            if claim in now and digest != now[claim]:
                day = str(record["run"].get("started", ""))[:10]
                found.setdefault(claim, {})[digest] = f"{digest[:12]}, {old.get('verdict')}{f', {day}' if day else ''}"
    return {claim: tuple(lines.values()) for claim, lines in found.items()}


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return []
