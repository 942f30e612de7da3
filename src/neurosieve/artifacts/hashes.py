"""SHA-256 of raw files, remembered by size, time and inode so that a large file is not read at every plan."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class FileHashes:
    """Remembered hashes; `memory` maps a path to [size, mtime in ns, inode, SHA-256]."""

    memory: dict[str, list[int | str]] = field(default_factory=dict)

    def sha256(self, path: Path) -> str:
        """SHA-256 of the file as it is now. Raises OSError when it cannot be read."""
        stat = path.stat()
        state = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        known = self.memory.get(str(path))
        if known is None or known[:3] != state:
            known = [*state, sha256_of(path)]
            self.memory[str(path)] = known
        return str(known[3])
