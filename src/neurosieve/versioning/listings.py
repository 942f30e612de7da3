"""What `dvc.lock` says the store held: now, on both sides of a merge, and at earlier commits.

`dvc.lock` names one listing per stage of the store; a listing is JSON, `[{"md5": …, "relpath": "<node>/<file>"}]`.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import yaml

from neurosieve.artifacts.store import PROVENANCE
from neurosieve.errors import UserError
from neurosieve.versioning.objects import Objects

LOCK = "dvc.lock"
PLACE = "results/store/"
HISTORY = 20
"""How many earlier versions of `dvc.lock` are looked through."""

Files = dict[str, str]
"""A node's files: path below its directory -> name of the object."""


@dataclass(frozen=True)
class Listing:
    """One stage of the store as one version of `dvc.lock` knows it; `name` is an object's."""

    stage: str
    name: str

    def nodes(self, objects: Objects) -> dict[str, Files]:
        """Files of each complete node by its folder `<stage>/<name>-<key>`; the object must be in the cache."""
        found: dict[str, Files] = {}
        for entry in json.loads(objects.path(self.name).read_bytes()):
            path = PurePosixPath(entry["relpath"])
            if len(path.parts) > 1 and ".." not in path.parts and not path.is_absolute():
                found.setdefault(f"{self.stage}/{path.parts[0]}", {})[str(PurePosixPath(*path.parts[1:]))] = entry[
                    "md5"
                ]
        return {folder: files for folder, files in found.items() if PROVENANCE in files}


def write(objects: Objects, nodes: Mapping[str, Files]) -> tuple[str, int]:
    """Put the listing of a stage's nodes into the cache as DVC writes it; its object and how many files it names."""
    entries = [
        {"md5": name, "relpath": f"{folder.partition('/')[2]}/{path}"}
        for folder, files in nodes.items()
        for path, name in files.items()
    ]
    entries.sort(key=lambda entry: entry["relpath"])
    return objects.take_bytes(json.dumps(entries, sort_keys=True).encode(), ".dir"), len(entries)


def current(root: Path) -> list[Listing]:
    """Listings of `dvc.lock` as it is, ours first, and of every side that it should unite.

    Those are both sides of a conflict, whether its markers are in the text or only git knows of it; what is being
    merged, rebased or picked; and all parents of a merge.
    """
    texts = [*sides(lock_text(root)), *(side for index in "23" for side in _locks_at(root, f":{index}"))]
    heads = ("MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD")
    revisions = [sha for head in heads for sha in _git(root, "rev-parse", "--quiet", "--verify", head).split()]
    parents = _git(root, "rev-list", "--parents", "--max-count=1", "HEAD").split()[1:]
    if revisions:
        revisions.append("HEAD")
    elif len(parents) > 1:
        revisions = parents
    return _distinct([*texts, *(side for revision in revisions for side in _locks_at(root, revision))])


def committed(root: Path) -> list[Listing]:
    """Listings of `dvc.lock` at the present commit."""
    return _distinct(_locks_at(root, "HEAD"))


def earlier(root: Path) -> Iterator[list[Listing]]:
    """Listings of the versions of `dvc.lock` in the history of the present commit, the newest first."""
    asked = ("rev-list", "--full-history", f"--max-count={HISTORY}", "HEAD", "--", LOCK)
    for revision in _git(root, *asked).split():
        yield _distinct(_locks_at(root, revision))


def every(root: Path) -> list[Listing]:
    """Listings of `dvc.lock` as it is and at every commit that git knows, of whatever branch."""
    revisions = _git(root, "rev-list", "--all", "--", LOCK).split()
    texts = [*sides(lock_text(root)), *(side for revision in revisions for side in _locks_at(root, revision))]
    return _distinct(texts)


def lock_text(root: Path) -> str:
    """`dvc.lock`, empty where there is none."""
    try:
        return (root / LOCK).read_text()
    except FileNotFoundError:
        return ""


def sides(text: str) -> list[str]:
    """The versions that a file with git's conflict markers holds, ours first; the text itself where it has none."""
    if not in_conflict(text):
        return [text]
    ours: list[str] = []
    theirs: list[str] = []
    into: tuple[list[str], ...] = (ours, theirs)
    for line in text.splitlines(keepends=True):
        mark = line[:7] if re.match(r"(<{7}|\|{7}|={7}|>{7})(\s|$)", line) else ""
        if mark:
            into = {"<<<<<<<": (ours,), "|||||||": (), "=======": (theirs,), ">>>>>>>": (ours, theirs)}[mark]
        else:
            for side in into:
                side.append(line)
    return ["".join(ours), "".join(theirs)]


def in_conflict(text: str) -> bool:
    """Whether a text holds git's conflict markers."""
    return re.search(r"^<{7}(\s|$)", text, re.MULTILINE) is not None


def _distinct(texts: list[str]) -> list[Listing]:
    """The store's listings in versions of `dvc.lock`. Raises UserError when one cannot be read."""
    found: dict[Listing, None] = {}
    try:
        for text in texts:
            for out in (yaml.safe_load(text) or {}).get("stages", {}).get("store", {}).get("outs", []):
                if out["path"].startswith(PLACE) and str(out.get("md5", "")).endswith(".dir"):
                    found[Listing(out["path"].removeprefix(PLACE), out["md5"])] = None
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        raise UserError(f"{LOCK} cannot be read: take one side of it (`git checkout --ours {LOCK}`)") from None
    return list(found)


def _locks_at(root: Path, revision: str) -> list[str]:
    """`dvc.lock` at a commit, or at `:2` and `:3` in git's index; two if it was committed with its conflict."""
    return sides(_git(root, "show", f"{revision}:./{LOCK}"))


def _git(root: Path, *arguments: str) -> str:
    """What git answers; nothing where it knows no answer (no commit yet, no such file)."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
