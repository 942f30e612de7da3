"""Save: commit the store to DVC and push it, also while a run is adding nodes to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Set
from pathlib import Path

from neurosieve.artifacts.store import PROVENANCE, Store
from neurosieve.errors import UserError
from neurosieve.plan.nodes import STAGES
from neurosieve.plan.project import Project
from neurosieve.versioning.listings import (
    LOCK,
    PLACE,
    Files,
    Listing,
    committed,
    current,
    in_conflict,
    lock_text,
    sides,
    write,
)
from neurosieve.versioning.objects import DAMAGED, REMEDY, Objects


def save_store(project: Project, exact: bool = False) -> Iterator[str]:
    """Commit every complete node to DVC and push; what to print.

    Nodes that `dvc.lock` names and that are not here (a partial restore, the other side of a merge) stay in it, unless
    it is to name `exact`ly what is here. Raises UserError without git or DVC, when a new node is damaged, or when the
    remote cannot be reached.
    """
    root, store = project.root, project.store
    with Objects(root) as objects:
        objects.require_remote()
        known: dict[str, Files] = {}
        yield from _read(objects, list(dict.fromkeys([*current(root), *committed(root)])), known)
        before = lock_text(root)
        for folder in _set_aside(store):
            yield f"{folder} has no {PROVENANCE}, so it is no node: moved to results/.work"
        present = store.present()
        _refuse_damaged(store, present - known.keys())
        here = _take(objects, store, present)
        for stage in STAGES:
            (store.root / stage).mkdir(parents=True, exist_ok=True)
        _settle(root)
        absent = known.keys() - present
        named = here if exact else {**{folder: known[folder] for folder in absent}, **here}
        _record(objects, named)
        yield f"{len(present)} nodes committed, {len(present - known.keys())} of them new"
        if absent and exact:
            yield f"{len(absent)} nodes that {LOCK} named are not here and leave it; its earlier commits keep them"
        elif absent:
            yield f"{len(absent)} nodes that {LOCK} names are not here: it goes on naming them"
        yield _push(root, objects.remote)
        yield from _mend(store, objects)
    if lock_text(root) != before:
        yield f"now commit {LOCK} and results/metrics with git"


def _read(objects: Objects, listings: list[Listing], known: dict[str, Files]) -> Iterator[str]:
    """Fill `known` with the nodes that listings name, the first listing's files winning; what to print of lost ones."""
    lost = objects.secure(listing.name for listing in listings)
    for listing in listings:
        if listing.name not in lost:
            known.update({f: files for f, files in listing.nodes(objects).items() if f not in known})
        else:
            yield (
                f"the listing {listing.name} of results/store/{listing.stage} is damaged or missing in cache and "
                f"{objects.remote}: only those of its nodes that are here, or in another listing, stay in {LOCK}"
            )


def _take(objects: Objects, store: Store, folders: Set[str]) -> dict[str, Files]:
    """The files of nodes, put into the cache.

    `dvc commit` reads a folder twice and, when a run adds a node in between, names a listing that nobody has.
    """
    inside = {folder: [p for p in store.path(folder).rglob("*") if p.is_file()] for folder in folders}
    names = objects.take(path for paths in inside.values() for path in paths)
    return {
        folder: {path.relative_to(store.path(folder)).as_posix(): names[path] for path in paths}
        for folder, paths in inside.items()
    }


def _record(objects: Objects, nodes: dict[str, Files]) -> None:
    """Write the listings of all stages, and their names into `dvc.lock`."""
    stages: dict[str, dict[str, Files]] = {stage: {} for stage in STAGES}
    for folder, files in nodes.items():
        stages[folder.partition("/")[0]][folder] = files
    objects.record("store", {f"{PLACE}{stage}": write(objects, inside) for stage, inside in stages.items()})


def _set_aside(store: Store) -> Iterator[str]:
    """Move what is no node out of the store: DVC would commit it. A running job's empty directory may stay."""
    store.work.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        for path in sorted((store.root / stage).glob("*/")):
            aside = store.work / f"dead-{path.name}-{uuid.uuid4().hex[:8]}"
            try:
                if (path / PROVENANCE).is_file() or not any(path.iterdir()):
                    continue
                os.rename(path, aside)
            except FileNotFoundError:  # its job came first
                continue
            if (aside / PROVENANCE).is_file():  # its job finished it in between
                store.publish(aside, f"{stage}/{path.name}")
            else:
                yield f"{stage}/{path.name}"


def _refuse_damaged(store: Store, folders: set[str]) -> None:
    for folder in sorted(folders):
        if trouble := store.check(store.path(folder)):
            raise UserError(f"{trouble}: nothing is saved; delete {store.path(folder)} and run again")


def _settle(root: Path) -> None:
    """Take conflict markers out of `dvc.lock`, or DVC could not read it: our side, whose store is then written anew.

    What the other side knew of its studies' stages is lost; `dvc repro` finds out again in a second each.
    """
    text = lock_text(root)
    if in_conflict(text):
        (root / LOCK).write_text(sides(text)[0])


def _push(root: Path, remote: str) -> str:
    try:
        done = re.match(r"(\d+) file", _dvc(root, "push", "store"))
    except UserError as error:
        raise UserError(f"committed here, but {remote} cannot be written: {error}; {REMEDY}") from None
    return f"{done.group(1) if done else 'no'} files pushed to {remote}"


def _mend(store: Store, objects: Objects) -> Iterator[str]:
    """Write objects to the remote anew that `restore` found damaged or missing there and that are sound here now."""
    note = store.work / DAMAGED
    if note.is_file():
        names = set(note.read_text().split())
        mended = objects.mend(names)
        note.write_text("".join(f"{name}\n" for name in sorted(names - mended)))
        if mended:
            yield f"{len(mended)} damaged files mended in {objects.remote}"


def _dvc(root: Path, *arguments: str) -> str:
    """Run a DVC command; what it prints. Raises UserError with its last error line."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = re.findall(r"^ERROR: (?:unexpected error - )?(.+)", done.stderr, re.MULTILINE)
        raise UserError(f"dvc {arguments[0]}: {errors[-1] if errors else done.stderr.strip() or 'unknown error'}")
    return done.stdout
