"""Projects under git and DVC, their clones, made nodes, and damage."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from neurosieve.artifacts.store import write_provenance
from neurosieve.plan.project import Project
from neurosieve.versioning import restore_store, save_store
from tests.pipeline.sandbox import ROOT

KEYS = [f"{digit * 16}" for digit in "0123456789abcdef"]


def call(root: Path, *command: str, code: int = 0) -> str:
    """Run a command; what it prints."""
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == code, done.stdout
    return done.stdout


def dvc(root: Path, *arguments: str) -> str:
    return call(root, sys.executable, "-m", "dvc", *arguments)


def status(root: Path) -> str:
    """What DVC finds changed in the store; it warns that the stage is frozen, which is meant."""
    return dvc(root, "status", "store").splitlines()[-1]


def commit(root: Path, message: str = "a commit") -> None:
    call(root, "git", "add", "-A")
    call(root, "git", "commit", "-q", "--allow-empty", "-m", message)


def versioned(root: Path) -> None:
    """Put a folder under git and DVC as this project is."""
    shutil.copytree(ROOT / ".dvc", root / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local"))
    for name in ("dvc.yaml", ".dvcignore", ".gitignore", ".gitattributes"):
        shutil.copy(ROOT / name, root / name)
    call(root, "git", "init", "-q", "-b", "main")
    commit(root, "start")


def clone(root: Path, name: str) -> Path:
    call(root.parent, "git", "clone", "-q", root.name, name)
    return root.parent / name


def add_node(root: Path, key: str, stage: str = "train", content: str = "") -> Path:
    """A node with two files, through the store's own protocol."""
    store = Project(root).store
    scratch = store.scratch("made")
    (scratch / "weights").write_text(content or f"weights of {key}")
    (scratch / "deep").mkdir()
    (scratch / "deep" / "same").write_text("in every node")
    write_provenance(scratch, {"stage": stage, "name": "made", "key": key, "recipe": {}}, {"seconds": 1.0})
    return store.publish(scratch, f"{stage}/made-{key}")


def nodes(root: Path) -> set[str]:
    return {folder.rsplit("-", 1)[-1] for folder in Project(root).store.present()}


def save(root: Path, message: str = "save") -> list[str]:
    lines = list(save_store(Project(root)))
    commit(root, message)
    return lines


def restore(root: Path, *studies: str) -> list[str]:
    return list(restore_store(Project(root), studies))


def objects_of(root: Path, name: str, folder: str) -> Iterator[Path]:
    """Where cache and remote have a file of a node."""
    digest = hashlib.md5((root / "results" / "store" / folder / name).read_bytes()).hexdigest()
    for place in (root / ".dvc" / "cache", root.parent / "neurosieve-remote"):
        yield place / "files" / "md5" / digest[:2] / digest[2:]


def damage(path: Path) -> None:
    """Other content of the same length and time, as a bad disk would leave it."""
    stat, content = path.stat(), path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    path.chmod(stat.st_mode)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def remote(root: Path) -> str:
    return f"remote 'store' ({root.parent / 'neurosieve-remote'})"


def unmerged(root: Path) -> set[str]:
    """Files that git holds to be in conflict."""
    return set(call(root, "git", "diff", "--name-only", "--diff-filter=U").split())


def two_sides(ann: Path, how: str = "--no-rebase") -> Path:
    """Ann and Bob each save a node of their own, and the commits meet in Bob's clone, in conflict."""
    add_node(ann, KEYS[1])
    save(ann)
    bob = clone(ann, "bob")
    add_node(bob, KEYS[2])
    add_node(bob, KEYS[4], stage="verdict", content="Bob's")
    save(bob)
    add_node(ann, KEYS[3])
    add_node(ann, KEYS[4], stage="verdict", content="Ann's")
    save(ann)
    call(bob, "git", "pull", "-q", how, code=1)
    assert unmerged(bob) == {"dvc.lock"}
    return bob
