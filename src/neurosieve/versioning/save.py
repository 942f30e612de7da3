"""Save: commit the store to DVC and push it, also while a run is adding nodes to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from neurosieve.artifacts.store import PROVENANCE, Store
from neurosieve.errors import UserError
from neurosieve.plan.nodes import STAGES
from neurosieve.plan.project import Project
from neurosieve.versioning.listings import LOCK, current, in_conflict, lock_text, sides
from neurosieve.versioning.objects import DAMAGED, REMEDY, Objects


def save_store(project: Project) -> Iterator[str]:
    """Commit every complete node to DVC and push; what to print.

    Raises UserError without git or DVC, when a new node is damaged, or when the remote cannot be reached.
    """
    root, store = project.root, project.store
    with Objects(root) as objects:
        objects.require_remote()
        known = {node for listing in current(root) if objects.is_sound(listing.name) for node in listing.nodes(objects)}
        before = lock_text(root)
        for folder in _set_aside(store):
            yield f"{folder} has no {PROVENANCE}, so it is no node: moved to results/.work"
        present = store.present()
        _refuse_damaged(store, present - known)
        _settle(root)
        for stage in STAGES:
            (store.root / stage).mkdir(parents=True, exist_ok=True)
        # --no-relink: otherwise DVC may remove a file of a finished node for a moment, under a job that reads it
        _dvc(root, "commit", "--force", "--no-relink", "store")
        yield f"{len(present)} nodes committed, {len(present - known)} of them new"
        if absent := known - present:
            yield f"{len(absent)} nodes that {LOCK} named are not here and leave it; its earlier commits keep them"
        yield _push(root, objects.remote)
        yield from _mend(store, objects)
    if lock_text(root) != before:
        yield f"now commit {LOCK} and results/metrics with git"


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
