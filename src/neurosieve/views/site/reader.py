"""What every part of the view model reads: one study's plan, the nodes that exist, their provenance; and the run."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from neurosieve.artifacts.store import Store, read_provenance
from neurosieve.errors import UserError
from neurosieve.plan.nodes import STAGES, Cell, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.report import state as page

Records = Mapping[str, dict[str, Any]]
PAUSE = timedelta(minutes=2)
"""Work after a longer pause is another run."""


@dataclass(frozen=True)
class Reader:
    """One study: its plan, what of it exists, and the records of those nodes."""

    project: Project
    plan: StudyPlan
    present: Set[str]
    all_records: Records
    all_verdicts: Mapping[str, list[str]] = field(default_factory=dict)
    """Folders of verdict nodes in the store by study."""

    @property
    def store(self) -> Store:
        return self.project.store

    def directory(self, key: str) -> Path | None:
        """Directory of a node, None where it was not computed."""
        folder = self.plan.nodes[key].folder
        return self.store.path(folder) if folder in self.present else None

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Records of this study's nodes that exist, in the order of the plan."""
        return {key: self.all_records[key] for key in self.plan.nodes if key in self.all_records}

    def cells(self, target: str = "native") -> list[Cell]:
        return [cell for cell in self.plan.cells if cell.target == target]

    @cached_property
    def verdict_folders(self) -> list[str]:
        """Verdict nodes of this study in the store, but the present one."""
        now = self.plan.nodes[self.plan.verdict].folder
        return sorted(folder for folder in self.all_verdicts.get(self.plan.slug, ()) if folder != now)

    def earlier_verdicts(self) -> list[dict[str, Any]]:
        """Records of the study's verdict nodes of other states."""
        found = []
        for folder in self.verdict_folders:
            try:
                found.append(read_provenance(self.store.path(folder)))
            except UserError:
                continue  # a damaged node of another state is no part of this page
        return found


def verdicts_by_study(present: Set[str]) -> dict[str, list[str]]:
    """Folders of verdict nodes by study: all studies at once, for there may be many of both."""
    found: dict[str, list[str]] = {}
    for folder in present:
        if folder.startswith("verdict/"):
            found.setdefault(folder.removeprefix("verdict/").rsplit("-", 1)[0], []).append(folder)
    return found


@dataclass(frozen=True)
class LastRun:
    """The last stretch of work without a pause, by the clock of the nodes' own provenance."""

    start: datetime | None = None
    end: datetime | None = None

    def made(self, record: Mapping[str, Any]) -> bool | None:
        """Whether the last run made this node; None where that is not known."""
        started = _started(record)
        return None if started is None or self.start is None else started >= self.start

    def total(self, records: list[dict[str, Any]]) -> page.Run:
        """Totals by stage, wall time, and how much an earlier run had made."""
        stages = []
        for stage in STAGES:
            seconds = [record["run"].get("cpu_seconds", 0.0) for record in records if record["stage"] == stage]
            stages.append(page.StageTotal(stage=stage, nodes=len(seconds), cpu_seconds=round(sum(seconds), 2)))
        known = self.start is not None and self.end is not None
        return page.Run(
            stages=tuple(stages),
            wall_seconds=round((self.end - self.start).total_seconds(), 1) if self.start and self.end else None,
            from_store=sum(self.made(record) is not True for record in records) if known else None,
            date=self.start.date().isoformat() if self.start else "",
        )


def run_of(records: list[dict[str, Any]]) -> LastRun:
    """The last run among these nodes."""
    spans = sorted(
        (
            (start, start + timedelta(seconds=record["run"].get("seconds", 0.0)))
            for record in records
            if (start := _started(record))
        ),
        reverse=True,
    )
    if not spans:
        return LastRun()
    first, last = spans[0][0], max(end for _, end in spans)
    for start, end in spans:
        if first - end > PAUSE:
            break
        first = min(first, start)
    return LastRun(first, last)


def _started(record: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(record["run"]["started"])
    except (KeyError, TypeError, ValueError):
        return None
