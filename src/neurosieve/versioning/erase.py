"""Erasing from DVC: the objects of files that are to be gone, from the cache and from every remote, and no other.

An object is erased when every version of `dvc.lock` in the history names it for such files alone: one that another
node shares is kept. Listings stay: they name objects, and a restore says that those are gone.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from neurosieve.artifacts.store import Store
from neurosieve.errors import UserError
from neurosieve.versioning.listings import Listing, every
from neurosieve.versioning.objects import Objects


@dataclass
class Stored:
    """What DVC holds of files that are to be gone.

    `names` are objects of those files alone, `shared` objects that others need; `cached` are those of `names` that the
    cache has, `remote` those that each remote has; `elsewhere` are nodes in the history that are not in this store, of
    which nothing is known; `troubles` are remotes and listings that could not be asked, in a line each.
    """

    names: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)
    cached: set[str] = field(default_factory=set)
    remote: dict[str, set[str]] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)


def is_versioned(root: Path) -> bool:
    """Whether the folder is a DVC project."""
    return (root / ".dvc").is_dir()


def stored(store: Store, gone: Mapping[str, set[str]]) -> Stored:
    """What DVC holds of these files (`gone`: folder of a node -> names of its files)."""
    root, found = store.results.parent, Stored()
    if not is_versioned(root):
        return found
    with Objects(root) as objects:
        named: dict[str, set[bool]] = {}
        for folder, path, name in _named(objects, list(every(root)), found):
            named.setdefault(name, set()).add(path in gone.get(folder, ()))
            if not (store.root / folder).is_dir():
                found.elsewhere.add(folder)
        found.names = {name for name, erased in named.items() if erased == {True}}
        found.shared = {name for name, erased in named.items() if erased == {True, False}}
        found.cached = {name for name in found.names if objects.path(name).exists()}
        for remote in objects.remotes:
            try:
                found.remote[remote] = objects.there(remote, found.names)
            except UserError as error:
                found.troubles.append(str(error))
    return found


def erase_stored(root: Path, found: Stored) -> tuple[int, int]:
    """Delete those objects: how many from the cache, how many from remotes; what fails is added to the troubles."""
    if not is_versioned(root):
        return 0, 0
    far = 0
    with Objects(root) as objects:
        for name in found.cached:
            objects.path(name).unlink(missing_ok=True)
        for remote, names in found.remote.items():
            try:
                far += objects.delete(remote, names)
            except UserError as error:
                found.troubles.append(str(error))
    return len(found.cached), far


def tracked(root: Path, path: str) -> bool:
    """Whether git or DVC has a raw file too, in its history."""
    asked = ["git", "log", "--all", "--max-count=1", "--format=%h", "--", path, f"{path}.dvc"]
    done = subprocess.run(asked, cwd=root, capture_output=True, text=True, check=False)
    return bool(done.stdout.strip())


def _named(objects: Objects, listings: list[Listing], found: Stored) -> Iterator[tuple[str, str, str]]:
    """Folder, path and object of every file that listings name."""
    try:
        lost = objects.secure(listing.name for listing in listings)
    except UserError as error:  # the remote, for listings that the cache lacks
        lost = {listing.name for listing in listings if not objects.is_sound(listing.name)}
        found.troubles.append(str(error))
    for listing in listings:
        if listing.name in lost:
            found.troubles.append(
                f"the listing {listing.name} of {listing.stage} is nowhere: what it named is not known"
            )
            continue
        for folder, files in listing.nodes(objects).items():
            yield from ((folder, path, name) for path, name in files.items())
