"""What became of the verdicts since a commit: `neurosieve verdicts --against COMMIT`.

A commit's verdicts are those of `results/metrics/<study>.json`, the small file that git keeps beside the code. Now is
what the verdict nodes of the present plan say. Without git, or where the commit has no verdicts of a study at this
scale, only the values of now are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.views.git import git_says
from neurosieve.views.written import evidence

FAILS, WEAKER = 1, 3
"""Exit statuses: a claim that held now fails; one that held is now inconclusive, not decided, or gone."""


@dataclass(frozen=True)
class Decided:
    """A claim at one time: its verdict, how firm, the deciding value and what was asked of it."""

    verdict: str
    strength: str = ""
    measured: float | None = None
    asked: str = ""
    criterion: str = ""

    @property
    def words(self) -> str:
        return f"{self.verdict} {self.strength}".strip()


@dataclass(frozen=True)
class Change:
    """One claim before (None: unknown then) and after (None: not decided now, because of `absent`)."""

    study: str
    claim: str
    before: Decided | None
    after: Decided | None
    absent: str = ""

    @property
    def status(self) -> int:
        """0 where nothing that held is lost."""
        if self.before is None or self.before.verdict != "holds" or (self.after and self.after.verdict == "holds"):
            return 0
        return FAILS if self.after and self.after.verdict == "fails" else WEAKER

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """Study, claim, before → after, values."""
        before = self.before.words if self.before else "new"
        after = self.after.words if self.after else self.absent
        return self.study, self.claim, before if before == after else f"{before} → {after}", self._values

    @property
    def _values(self) -> str:
        now, then = self.after or Decided(""), self.before or Decided("")
        values = [f"{value:.4g}" for value in (then.measured, now.measured) if value is not None]
        text = " → ".join(dict.fromkeys(values))
        text += f", asked {now.asked or then.asked}" if values and (now.asked or then.asked) else ""
        changed = self.before and self.after and self.before.criterion != self.after.criterion
        return f"{text}{'; ' if text else ''}the criterion changed" if changed else text


def verdict_diff(project: Project, commit: str, studies: Sequence[str]) -> tuple[list[str], int]:
    """Lines of the table, changed claims only, and the exit status. Raises UserError for a commit that git lacks."""
    lines: list[str] = []
    git = Commit(project.root, commit)
    if git.name is None:
        lines.append("no git history here, so nothing to compare with: values of now only")
    changes: list[Change] = []
    slugs = list(studies or dict.fromkeys([*project.studies, *git.studies()]))
    for slug in slugs:
        then, note = _then(git, slug, project.scale)
        lines += [f"{slug}: {note}"] if note and git.name else []
        changes += _changes(slug, then, *_now(project, slug))
    moved = [change for change in changes if change.before != change.after]
    lines += _aligned([("study", "claim", "verdict", "measured"), *(change.cells for change in moved)] if moved else [])
    lines.append(_summary(changes, len(moved), git.name))
    return lines, min((change.status for change in changes if change.status), default=0)


class Commit:
    """The metrics files of one commit; `name` is None without git or outside a repository."""

    def __init__(self, root: Path, commit: str) -> None:
        self.root = root
        self.name = None
        if git_says(self.root, "rev-parse", "--git-dir") is not None:
            found = git_says(self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")
            if found is None:
                raise UserError(f"git knows no commit '{commit}' here; `git log --oneline` lists those it has")
            self.name = found.strip()

    def studies(self) -> list[str]:
        """Studies whose metrics the commit has."""
        listed = git_says(self.root, "ls-tree", "--name-only", self.name, "results/metrics/") if self.name else None
        return [Path(line).stem for line in (listed or "").splitlines() if line.endswith(".json")]

    def record(self, study: str) -> dict[str, Any] | None:
        """The study's metrics file; None where the commit has none that can be read."""
        text = git_says(self.root, "show", f"{self.name}:./results/metrics/{study}.json") if self.name else None
        try:
            found = json.loads(text or "null")
        except ValueError:
            return None
        return found if isinstance(found, dict) else None


def _then(git: Commit, slug: str, scale: str) -> tuple[dict[str, Decided], str]:
    record = git.record(slug)
    if record is None:
        return {}, "that commit has no verdicts of it"
    if (other := record.get("scale", scale)) != scale:
        return {}, f"that commit's verdicts are of scale {other}, these of {scale}"
    known: Mapping[str, Any] = record.get("evidence", {})
    return {str(c): Decided(str(word), **known.get(c, {})) for c, word in record.get("claims", {}).items()}, ""


def _now(project: Project, slug: str) -> tuple[dict[str, Decided], str]:
    if slug not in project.studies:
        return {}, "no longer a study"
    plan = project.plan(slug)
    folder = plan.nodes[plan.verdict].folder
    if not project.store.exists(folder):
        return {}, "not computed"
    records = json.loads((project.store.path(folder) / "verdicts.json").read_text())
    known = evidence(records)
    return {one["claim"]: Decided(one["verdict"], **known[one["claim"]]) for one in records}, "no longer a claim"


def _changes(slug: str, then: Mapping[str, Decided], now: Mapping[str, Decided], absent: str) -> Iterator[Change]:
    for claim in dict.fromkeys([*now, *then]):
        yield Change(slug, claim, then.get(claim), now.get(claim), absent)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, wide, strict=True)).rstrip() for row in rows]


def _summary(changes: Sequence[Change], moved: int, commit: str | None) -> str:
    fails = sum(change.status == FAILS for change in changes)
    weaker = sum(change.status == WEAKER for change in changes)
    told = [f"{len(changes) - moved} unchanged"]
    told += [f"{fails} that held {'fails' if fails == 1 else 'fail'} now"] if fails else []
    told += [f"{weaker} that held {'is' if weaker == 1 else 'are'} undecided or gone"] if weaker else []
    against = f" (against {commit[:10]})" if commit else ""
    return f"{len(changes)} {'claim' if len(changes) == 1 else 'claims'}: {', '.join(told)}{against}"
