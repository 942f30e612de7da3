"""SHA-256 of raw files and folders, remembered by size, time and inode: a large file is not read at every plan."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_of(path: Path) -> str:
    """SHA-256 of a file's content, or of the names and contents of the files in a folder, as hex."""
    if not path.is_dir():
        return sha256_of(path)
    total = hashlib.sha256()
    for name in files_in(path):
        total.update(f"{name}\0{sha256_of(path / name)}\0".encode(errors="surrogateescape"))
    return total.hexdigest()


def files_in(folder: Path) -> list[str]:
    """Names of the files in a folder and those below, `a/b.png`, sorted; hidden ones (`.DS_Store`) are left out."""
    found = []
    for here, inside, names in os.walk(folder):
        inside[:] = [name for name in inside if not name.startswith(".")]
        parts = Path(here).relative_to(folder)
        found += [(parts / name).as_posix() for name in names if not name.startswith(".")]
    return sorted(found)


@dataclass
class FileHashes:
    """Remembered hashes; `memory` maps a path to [size, mtime in ns, inode, SHA-256].

    Of a folder: the number of its files, 0, a hash of the names, sizes, times and inodes of all, and the SHA-256.
    """

    memory: dict[str, list[int | str]] = field(default_factory=dict)

    def sha256(self, path: Path) -> str:
        """SHA-256 of the file or folder as it is now. Raises OSError when it cannot be read."""
        state = _folder_state(path) if path.is_dir() else _state(path)
        known = self.memory.get(str(path))
        if known is None or known[:3] != state:
            known = [*state, content_of(path)]
            self.memory[str(path)] = known
        return str(known[3])


def _state(path: Path) -> list[int | str]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _folder_state(path: Path) -> list[int | str]:
    names, total = files_in(path), hashlib.sha256()
    for name in names:
        total.update(f"{name}\0{_state(path / name)}\0".encode(errors="surrogateescape"))
    return [len(names), 0, total.hexdigest()]
