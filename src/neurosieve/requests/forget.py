"""Answering a request: each configured study that shipped what learned from the rows gets one that repairs it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from neurosieve.artifacts.requested import read_asked
from neurosieve.artifacts.tags import REQUESTS
from neurosieve.errors import UserError
from neurosieve.own.new import planned, with_study
from neurosieve.plan.components import find
from neurosieve.plan.nodes import Cell
from neurosieve.plan.project import CONFIG, Project
from neurosieve.plan.study import LoadedStudy, load_study
from neurosieve.report.rows import parse_axes
from neurosieve.requests.descent import Descent, descent, refuse_unknown
from neurosieve.requests.repair import RETRAINED, Asked, Repair, Repaired, reference_of, shipped
from neurosieve.requests.repaired import AXIS, content_of

HEADER = """\
# Written by `neurosieve forget --ids {file}`: it repairs what study {base} shipped and
# what learned from the rows of that request. Change what you like; `snakemake {slug}` runs it.
"""


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: people read it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


@dataclass(frozen=True)
class Written:
    """A repaired study: its file's content, the study it repairs, how, and what that shipped and is not affected."""

    slug: str
    base: str
    content: dict[str, Any]
    said: tuple[Repaired, ...]
    spared: tuple[str, ...]


def repairs(
    project: Project,
    file: Path,
    method: str | None = None,
    study: str | None = None,
    after: str | None = None,
    only: Collection[str] = (),
) -> list[Written]:
    """The studies to write for a request. `study` limits it to one, `after` says which result it starts from, `only`
    names the datasets that its ids belong to.

    Raises UserError where the request cannot be used, nothing that was shipped learned from the rows, or a study cannot
    be repaired this way.
    """
    name = below(project, file)
    listed = read_asked(project.root / name, name)
    found = descent(project, listed, only)
    refuse_unknown(found, only)
    if len(found.missing) == len(listed.ids):
        raise UserError(f"{name}: none of its {len(listed.ids)} ids is in a dataset of this store")
    asked = Asked(reference_of(name), name, method or "ssd")
    if asked.method != RETRAINED:
        find(project.source, "interventions", f"unlearning.{asked.method}")  # told before anything is written
    made = [
        one for loaded in _candidates(project, asked, study, after) for one in _repairs(project, loaded, found, asked)
    ]
    if not made:
        absent = sorted(
            {one for loaded in _candidates(project, asked, study, after) for one in _absent(project, loaded, found)}
        )
        if absent:
            first = " ".join(sorted({one.partition("/")[0] for one in absent}))
            where = f"not computed here, or by other code: {', '.join(absent)}"
            raise UserError(
                f"{name}: what is shipped and computed here did not learn from these rows; {where}; run "
                f"`snakemake {first}` first"
            )
        raise UserError(f"{name}: nothing that a configured study ships learned from these rows in this store")
    return made


def _absent(project: Project, loaded: LoadedStudy, found: Descent) -> Iterator[str]:
    """Shipped variants of which this store has no model."""
    for name in shipped(loaded.study):
        cells = project.plan(loaded.slug).cells
        if not any(cell.model in found.nodes for cell in cells if cell.variant.split("@")[0] == name):
            yield f"{loaded.slug}/{name}"


def below(project: Project, file: Path) -> str:
    """The file's name below the project's folder, inside `data/requests/`: elsewhere git would store its ids."""
    try:
        name = file.resolve().relative_to(project.root.resolve())
    except ValueError:
        name = Path()
    if REQUESTS not in name.parents:
        raise UserError(f"{file}: put the request into {REQUESTS}/ of this project; ids stay there")
    return str(name)


def _candidates(project: Project, asked: Asked, study: str | None, after: str | None) -> Iterator[LoadedStudy]:
    """Studies to look at: the last of each line of requests, or those that were asked for."""
    for named in (after, study):
        if named is not None and named not in project.studies:
            raise UserError(f"unknown study '{named}'; {CONFIG} lists: {', '.join(project.studies) or 'none'}")
    loaded = {slug: _load(project, slug) for slug in project.plans()}
    others = {slug: one for slug, one in loaded.items() if one.study.notes.get(AXIS) != asked.reference}
    later = {one.study.notes["repairs"] for one in others.values() if "repairs" in one.study.notes}
    for slug, one in others.items():
        own = study in (None, slug, one.study.notes.get("study"))
        if slug == after if after is not None else own and slug not in later:
            yield one


def _load(project: Project, slug: str) -> LoadedStudy:
    seeds = project.settings.seeds
    path = project.root / "config" / "studies" / f"{slug}.yaml"
    return load_study(path, project.scale, {"seeds": seeds} if seeds else {})


def _repairs(project: Project, loaded: LoadedStudy, found: Descent, asked: Asked) -> Iterator[Written]:
    """One study per model that the shipped ones began with: a certificate names one model before."""
    study = loaded.study
    cells: dict[str, list[Cell]] = {}
    for cell in project.plan(loaded.slug).cells:
        cells.setdefault(cell.variant.split("@")[0], []).append(cell)
    touched = {name for name, own in cells.items() if any(_touched(found, cell) for cell in own)}
    here = [name for name in shipped(study) if any(cell.model in found.nodes for cell in cells[name])]
    begun: dict[str, list[str]] = {}
    for name in here:
        if name in touched:
            trial = Repair(study, touched, asked)
            trial.repaired(name)
            begun.setdefault("-".join(sorted(set(trial.parents.values()))), []).append(name)
    if begun:
        _refuse_requests_on_axes(loaded)
    for start, names in begun.items():
        repair = Repair(study, touched, asked)
        for name in names:
            repair.repaired(name)
        affected = [cell for name in names for cell in cells[name] if _touched(found, cell)]
        root = study.notes.get("study", loaded.slug)
        parts = [root, asked.reference, *([start] if len(begun) > 1 else [])]
        slug = re.sub(r"[^a-z0-9-]", "-", "-".join(parts).lower())  # names of nodes are in small letters
        content = content_of(loaded, repair, names, _kept(loaded, affected), project.source)
        spared = tuple(name for name in here if name not in touched)
        yield Written(slug, loaded.slug, content, tuple(repair.said), spared)


def _refuse_requests_on_axes(loaded: LoadedStudy) -> None:
    """Raises UserError where a value of an axis is a request: what a variant answered would depend on the value."""
    for axis, values in loaded.study.axes.items():
        for name, value in values.items():
            if "ids_file" in (value.forget or {}):
                message = f"axis '{axis}' forgets a request at each value; to repair this study, give its variants"
                raise loaded.error(f"{message} their own `forget`, or make a study per request", "axes", axis, name)


def _touched(found: Descent, cell: Cell) -> bool:
    """Whether a cell learned from the rows; of what is not in the store nobody knows that it did not."""
    return any(key not in found.nodes or found.nodes[key].affected for key in (cell.model, cell.export) if key)


def _kept(loaded: LoadedStudy, cells: Sequence[Cell]) -> dict[str, list[str]]:
    """Values of the axes at which something that was shipped is affected."""
    points = [parse_axes(cell.variant.partition("@")[2]) for cell in cells]
    return {
        axis: [value for value in values if any(point[axis] == value for point in points)]
        for axis, values in loaded.study.axes.items()
    }


def write(project: Project, made: Written) -> Path:
    """Write the study's file and list it in the configuration; nothing happens where both are so already.

    Raises UserError, and leaves all as it was, where the file is there with another content, the configuration's list
    cannot be added to, or the study cannot be planned.
    """
    path = project.root / "config" / "studies" / f"{made.slug}.yaml"
    text = HEADER.format(file=requested(made), base=made.base, slug=made.slug)
    text += yaml.dump(
        made.content, Dumper=_Plain, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True
    )
    if path.is_file() and path.read_text() != text:
        raise UserError(
            f"{path} is there and says something else; to have it written anew, delete it and "
            f"take {made.slug} out of {CONFIG}"
        )
    config = project.root / CONFIG
    listed = config.read_text() if made.slug in project.studies else with_study(config.read_text(), made.slug)
    before = {one: one.read_bytes() if one.is_file() else None for one in (path, config)}
    path.write_text(text)
    config.write_text(listed)
    try:
        planned(_again(project), made.slug)
    except UserError:
        for one, content in before.items():
            one.unlink() if content is None else one.write_bytes(content)
        raise
    return path


def _again(project: Project) -> Project:
    """The project with its configuration read anew; the code is the same."""
    fresh = Project(project.root, project.scale_override)
    fresh.source = project.source
    return fresh


def requested(made: Written) -> str:
    """The file of the request that a study answers."""
    several = made.content.get("axes", {}).get(AXIS, {})
    last = several[made.content["notes"][AXIS]] if several else made.content
    return str(last["measured"]["ids_file"])


def told(made: Written) -> Iterator[str]:
    """What will be repaired and how, in descent order."""
    names = made.content["certify"]["variants"]
    yield f"study {made.base}: {len(names)} shipped variant{'s' * (len(names) > 1)} learned from the rows"
    yield from (f"  {one.name}: {one.how}" for one in made.said)
    for name, used in made.content.get("targets", {}).items():
        yield f"  {name}: exported again ({', '.join(one if isinstance(one, str) else one['use'] for one in used)})"
    yield from (f"  {name}: shipped, not affected" for name in made.spared)


def jobs(project: Project, slug: str) -> str:
    """How many nodes of a study are to do, by stage; its plan is checked on the way."""
    plan = project.plan(slug)
    missing = [node.stage for node in plan.nodes.values() if not project.store.exists(node.folder)]
    stages = ", ".join(f"{stage} {missing.count(stage)}" for stage in dict.fromkeys(missing))
    return f"{slug}: {len(missing)} of {len(plan.nodes)} jobs to do ({stages or 'nothing'})"


def run(project: Project, slugs: Sequence[str]) -> int:
    """Snakemake on these studies; its exit status."""
    return subprocess.run([sys.executable, "-m", "snakemake", *slugs], cwd=project.root, check=False).returncode
