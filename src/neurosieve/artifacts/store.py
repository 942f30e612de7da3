"""The store of immutable nodes: `results/store/<stage>/<name>-<key>/`.

A node is written elsewhere and renamed into place when complete; `provenance.json` is written last. So a final
directory with `provenance.json` is a valid, complete node, and one without it is nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import platform
import re
import shutil
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosieve.artifacts.hashes import sha256_of
from neurosieve.errors import UserError

PROVENANCE = "provenance.json"
RUN_FILES = ("timings.parquet", "verdicts.parquet", "verdicts.json")
"""Files whose content differs between two runs (measured seconds); they have no part in content hashes."""
RECORD = {"key": str, "stage": str, "name": str, "recipe": dict, "files": dict, "run": dict}
"""What every `provenance.json` holds at least."""
ELSEWHERE = -1
"""Stands for the process of a job on another machine, which shares the folder."""
FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class Store:
    """Nodes below `root` (the project's `results/`). Paths are made from `folder` = `<stage>/<name>-<key>`."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.root = results / "store"
        self.work = results / ".work"
        self._index: dict[str, Path] | None = None

    def path(self, folder: str) -> Path:
        return self.root / folder

    def shown(self, text: str) -> str:
        """A message with its paths as seen from the project's folder, so that it fits in a line."""
        return text.replace(f"{self.results.parent}/", "")

    def exists(self, folder: str) -> bool:
        return (self.root / folder / PROVENANCE).is_file()

    def present(self) -> set[str]:
        """Folders of all complete nodes, by one listing per stage."""
        return {f"{path.parent.name}/{path.name}" for path in self._directories() if (path / PROVENANCE).is_file()}

    def find(self, key: str) -> Path:
        """Directory of a node by key. Raises UserError when it is not in the store."""
        if self._index is None or key not in self._index:
            self._index = {path.name.rsplit("-", 1)[-1]: path for path in self._directories()}
        path = self._index.get(key)
        if path is None or not (path / PROVENANCE).is_file():
            raise UserError(f"node {key} is not in the store; run the same command again to compute it")
        return path

    def scratch(self, name: str) -> Path:
        """A fresh directory on the store's file system for a job to write in."""
        path = self.work / f"job-{name}-{os.getpid()}-{_host()}{uuid.uuid4().hex[:4]}"
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise write_error(error, path) from None
        return path

    def publish(self, scratch: Path, folder: str) -> Path:
        """Rename a complete scratch directory into place. A node already there wins and the scratch is dropped."""
        _sync(scratch)
        final = self._put(scratch, folder)
        sync_path(final.parent)
        return final

    def publish_all(self, scratches: Mapping[str, Path]) -> None:
        """`publish` many, by their folders, with one flush for all: one for every small file would take minutes."""
        if not scratches:
            return
        if not _sync_file_system(self.work):
            for scratch in scratches.values():
                _sync(scratch)
        for parent in {self._put(scratch, folder).parent for folder, scratch in scratches.items()}:
            sync_path(parent)

    def _put(self, scratch: Path, folder: str) -> Path:
        """Rename a scratch directory whose content is on the disk into place; where the node is."""
        final = self.root / folder
        final.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(20):
            try:
                os.rename(scratch, final)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if (final / PROVENANCE).is_file():
                    shutil.rmtree(scratch, ignore_errors=True)
                    return final
                self.bury(final)
            else:
                return final
        raise UserError(f"{final} could not be put in place: another process keeps writing there")

    def bury(self, path: Path) -> Path | None:
        """Move a directory that is no node out of the way; where it lies now, None when it was gone."""
        self.work.mkdir(parents=True, exist_ok=True)
        grave = self.work / f"dead-{path.name}-{uuid.uuid4().hex[:8]}"
        try:
            os.rename(path, grave)
        except FileNotFoundError:
            return None
        return grave

    def lock(self) -> int:
        """Take the folder's lock: the open file that holds it until it is closed or this process ends, however.

        Raises UserError with the owner's process id while another run holds it.
        """
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.work / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise write_error(error, self.work) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
        except BlockingIOError:
            owner = os.pread(lock, 32, 0).decode().strip() or "unknown"
            os.close(lock)
            raise UserError(f"another run (process {owner}) works in this folder; wait for it or end it") from None
        except OSError as error:
            raise write_error(error, self.work) from None
        return lock

    def abandoned(self) -> set[str]:
        """Keys of nodes whose job ended without a word: its scratch directory is there, its process is not."""
        return {key for key, process in self._jobs() if key and not _lives(process)}

    def working(self, key: str) -> bool:
        """Whether a job of this node works on this machine: its scratch directory is there, and its process."""
        return any(found == key and process != ELSEWHERE and _lives(process) for found, process in self._jobs())

    def _jobs(self) -> Iterator[tuple[str, int]]:
        """Key and process of every job that has a scratch directory."""
        return (_owner(path.name) for path in self.work.glob("job-*"))

    def resume(self, key: str) -> Path:
        """Where the job of a node keeps states to go on from."""
        return self.work / "resume" / key

    def log(self, folder: str) -> Path:
        """The log of a node's last job."""
        return self.results / "logs" / f"{folder}.log"

    def killed(self, folders: Iterable[str]) -> list[str]:
        """Those nodes whose last job was killed: they are missing, and it left its scratch or said nothing."""
        abandoned = self.abandoned()
        gone = (f for f in folders if f.rsplit("-", 1)[-1] in abandoned or _is_empty(self.log(f)))
        return [folder for folder in gone if not self.exists(folder)]

    def failure(self, key: str) -> FailureNote:
        """The note on a node's last failure."""
        return FailureNote(self.work / "failed" / f"{key}.txt")

    def failures(self) -> dict[str, str]:
        """Notes on last failures by key, from one listing."""
        notes = {path.stem: FailureNote(path).read() for path in (self.work / "failed").glob("*.txt")}
        return {key: text for key, text in notes.items() if text}

    def sweep(self, older_than: float = 86400.0, states_older_than: float = 14 * 86400.0) -> int:
        """Delete leftovers in `.work/` older than some seconds, also states that no job took up; how many there were.

        What belongs to a process that lives here stays, whatever the clock says.
        """
        mine = [path for path in self.work.glob("*-*") if path.name.startswith(("job-", "dead-", "bundle-"))]
        old = [path for path in mine if time.time() - _mtime(path) > older_than]
        old = [path for path in old if _owner(path.name)[1] == ELSEWHERE or not _lives(_owner(path.name)[1])]
        old += [p for p in self.work.glob("resume/*") if time.time() - _mtime(p) > states_older_than]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)
        return len(old)

    def not_from_the_future(self, folders: Iterable[str]) -> None:
        """Date nodes that seem to be from the future to now: after a clock jumped back, Snakemake would refuse what is
        made of them as older than its inputs."""
        now = time.time()
        for folder in folders:
            with contextlib.suppress(OSError):  # gone, or another user's
                if (self.root / folder / PROVENANCE).stat().st_mtime > now:
                    os.utime(self.root / folder / PROVENANCE, (now, now))

    def check(self, directory: Path, record: dict[str, Any] | None = None) -> str | None:
        """What is wrong with a node's files, in one line; None when every content hash is right.

        Files that were erased are to be gone: their hashes stay in the record.
        """
        record = record or read_provenance(directory)
        gone = record.get("erased", {}).get("files", ())
        for section in (record["files"].items(), record["run"].get("files", {}).items()):
            for name, digest in section:
                path = directory / name
                if name in gone:
                    continue
                if not path.is_file():
                    return f"{path} is missing"
                if sha256_of(path) != digest:
                    return f"{path} does not have the content it was stored with (truncated or changed)"
        return None

    def _directories(self) -> Iterator[Path]:
        if not self.root.is_dir():
            return
        for stage in os.scandir(self.root):
            if stage.is_dir():
                yield from (Path(entry.path) for entry in os.scandir(stage.path) if entry.is_dir())


class FailureNote:
    """One line on why a node's last job failed; the page shows it while the node is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> str | None:
        try:
            return self.path.read_text()
        except OSError:
            return None

    def write(self, text: str) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(text)
        except OSError:
            return  # the disk may be what failed; the error itself is printed anyway

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


def write_provenance(directory: Path, record: dict[str, Any], run: dict[str, Any]) -> None:
    """Write `provenance.json`, last: the record, the content hash of each file, and the `run:` block."""
    files, own = {}, {}
    for path in sorted(p for p in directory.rglob("*") if p.is_file()):
        target = own if path.name in RUN_FILES else files
        target[str(path.relative_to(directory))] = sha256_of(path)
    full = {**record, "files": files, "run": {**run, "files": own}}
    text = json.dumps(full, indent=1, sort_keys=True) + "\n"
    temporary = directory / f".{PROVENANCE}"
    temporary.write_text(text)
    os.rename(temporary, directory / PROVENANCE)


def read_provenance(directory: Path) -> dict[str, Any]:
    """The record of a node. Raises UserError when it cannot be read."""
    try:
        record = json.loads((directory / PROVENANCE).read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{directory / PROVENANCE} cannot be read: {error}; delete the folder and rerun") from None
    if not isinstance(record, dict) or not all(isinstance(record.get(name), kind) for name, kind in RECORD.items()):
        raise UserError(f"{directory / PROVENANCE} is no node's record, or an older one; delete the folder and rerun")
    return record


def erased(record: Mapping[str, Any]) -> str | None:
    """What to say to whoever needs files of a node that were erased; None where its numbers are all that is needed."""
    if "erased" not in record or record["stage"] in ("evaluate", "verdict"):
        return None
    name, request = f"{record['stage']}/{record['name']}-{record['key']}", record["erased"]["request"]
    return (
        f"{name} was erased for request {request}: what needs it must begin from data without those rows (change the"
        " raw data, or take it out of the study)"
    )


def unreadable(directory: Path, message: str) -> UserError:
    """What to say of a node's file that cannot be read: that it was erased, or else the message."""
    try:
        return UserError(erased(read_provenance(directory)) or message)
    except UserError:
        return UserError(message)


def write_error(error: OSError, path: Path) -> UserError:
    """A failed write as one line."""
    if error.errno in FULL:
        return UserError(f"the disk that holds {path} is full; free some space and run the same command again")
    if error.errno in FORBIDDEN:
        return UserError(f"no permission to write {path}; make results/ writable and run the same command again")
    return UserError(f"cannot write {path}: {error.strerror or error}")


def storage_error(error: Exception, path: Path) -> UserError | None:
    """The one line for an error that a full disk or a missing permission caused, None for any other.

    Libraries that write files in another language (safetensors, polars) tell so only in their message.
    """
    if isinstance(error, UserError):
        return None
    if isinstance(error, OSError) and error.errno in (*FULL, *FORBIDDEN):
        return write_error(error, Path(error.filename or path))
    said = (number for number in (*FULL, *FORBIDDEN) if os.strerror(number).lower() in str(error).lower())
    number = None if isinstance(error, OSError) and error.errno is not None else next(said, None)
    return None if number is None else write_error(OSError(number, os.strerror(number)), path)


def _sync(directory: Path) -> None:
    """Flush every file to disk before the rename, so that a power cut leaves no complete-looking empty file."""
    for path in directory.rglob("*"):
        if path.is_file():
            sync_path(path)
    sync_path(directory)


def _sync_file_system(directory: Path) -> bool:
    """Flush all that was written to the file system of a directory; False where the system has no call for that."""
    import ctypes

    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)  # Linux; Python has only `sync`, for all disks
    if syncfs is None:
        return False
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        if syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(directory))
    finally:
        os.close(descriptor)
    return True


def sync_path(path: Path) -> None:
    """Flush a file, or the names in a directory, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _owner(name: str) -> tuple[str, int]:
    """Key and process of the job that a scratch directory belongs to; no key and 0 for any other name."""
    match = re.search(r"-([0-9a-f]{16})-(\d+)-([0-9a-f]{4})[0-9a-f]{4}$", name)
    if match is None:
        return "", 0
    return match[1], int(match[2]) if match[3] == _host() else ELSEWHERE


def _host() -> str:
    """This machine in four hex digits: process numbers mean something on it only."""
    return f"{zlib.crc32(platform.node().encode()) & 0xFFFF:04x}"


def _is_empty(path: Path) -> bool:
    try:
        return path.stat().st_size == 0
    except OSError:
        return False


def _lives(process: int) -> bool:
    """Whether this process lives, as far as can be known: one of another machine may."""
    if process <= 0:
        return process == ELSEWHERE
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    """Whether it has ended and only waits for its parent to hear of it; where the system does not tell, it has not."""
    try:
        return Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()[:1] == [b"Z"]
    except OSError:
        return False


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
