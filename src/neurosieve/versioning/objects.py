"""DVC's objects: files named by the MD5 of their content, in the project's cache and in its remote.

This is the only place that uses DVC from Python: no DVC command fetches the objects of a listing that the present
`dvc.lock` does not name (the other side of a merge, an earlier commit). An object `0123…` is the cache's file
`files/md5/01/23…`; a directory's listing is an object whose name ends in `.dir`.
"""

from __future__ import annotations

import gc
import hashlib
import logging
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from neurosieve.errors import UserError

REMEDY = "`dvc remote modify --local store url PATH` names another place for this clone alone"
DAMAGED = "damaged-objects"
"""File in `results/.work/`: names of objects, a line each, that restoring found in no sound state."""


class Objects:
    """The objects of the DVC project in a folder. Raises UserError when it is none; a context manager."""

    def __init__(self, root: Path) -> None:
        require_dvc(root)
        from dvc.exceptions import DvcException
        from dvc.repo import Repo
        from dvc.scm import SCMError

        for name in ("dvc", "dvc_data", "dvc_objects"):  # what fails is said by our callers, in one line
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        try:
            self._repo = Repo(str(root))
        except (DvcException, SCMError) as error:
            raise UserError(f"DVC cannot read {root / '.dvc'}: {error}") from None
        self._root = root
        self._cache = self._repo.cache.local

    def __enter__(self) -> Objects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._repo.close()
        gc.collect()  # connections of SSH and WebDAV end here, not in the middle of something that finalisers disturb

    def path(self, name: str) -> Path:
        """Where the cache has, or would have, an object."""
        return Path(self._cache.oid_to_path(name))

    def is_sound(self, name: str) -> bool:
        """Whether the cache has the object and its content is what its name says.

        DVC trusts a read-only file, whatever it holds; this reads it.
        """
        try:
            with self.path(name).open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
                return digest.hexdigest() == name.removesuffix(".dir")
        except FileNotFoundError:
            return False

    def secure(self, names: Iterable[str]) -> set[str]:
        """Make the cache hold these objects, fetched where they are absent or damaged; the names of those it cannot.

        Raises UserError when something must be fetched and the remote cannot be reached.
        """
        lacking = self._without_damaged(names)
        if lacking:
            self._fetch(lacking)
        return self._without_damaged(lacking)

    def _without_damaged(self, names: Iterable[str]) -> set[str]:
        """Names of the objects that the cache lacks, after the damaged ones left it: DVC would trust and push them."""
        lacking = {name for name in names if not self.is_sound(name)}
        for name in lacking:
            self.path(name).unlink(missing_ok=True)
        return lacking

    def mend(self, names: Iterable[str]) -> set[str]:
        """Write these objects to the remote anew where the cache has them sound; the names of those written.

        A push leaves alone whatever the remote has under an object's name. Raises UserError like `secure`.
        """
        sound = sorted(name for name in names if self.is_sound(name))
        if sound:
            with self._remote() as odb:
                _transfer(self._cache, odb, sound, "Mending")
        return set(sound)

    def take(self, paths: Iterable[Path]) -> dict[Path, str]:
        """Copy files into the cache, where it lacks them; the names of their objects."""
        from dvc_data.hashfile.hash import hash_file

        files = self._cache.fs
        names = {path: str(hash_file(str(path), files, "md5", self._repo.state)[1].value) for path in paths}
        source = {name: path for path, name in names.items()}
        fresh = sorted(name for name in source if not self.path(name).exists())
        self._cache.add([str(source[name]) for name in fresh], files, fresh, check_exists=False)
        return names

    def take_bytes(self, content: bytes, suffix: str) -> str:
        """Put an object into the cache; its name."""
        name = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
        if not self.is_sound(name):
            self.path(name).unlink(missing_ok=True)
            self._cache.add_bytes(name, content)
        return name

    def record(self, stage: str, listings: Mapping[str, tuple[str, int]]) -> None:
        """Write a stage's entry in `dvc.lock`: for each folder its listing, and how many files that names.

        Raises UserError when `dvc.yaml` or `dvc.lock` cannot be read, or has no such stage and folders.
        """
        from dvc.exceptions import DvcException
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_data.hashfile.meta import Meta

        try:
            with self._repo.lock:
                entry = self._repo.stage.load_one(str(self._root / "dvc.yaml"), stage)
                for out in entry.outs:
                    name, count = listings[out.def_path]
                    out.hash_info, out.meta = HashInfo("md5", name), Meta(isdir=True, nfiles=count)
                entry.dump(update_pipeline=False)
        except (DvcException, KeyError) as error:
            raise UserError(f"stage '{stage}' of dvc.yaml cannot be committed: {_line(error)}") from None

    def place(self, name: str, target: Path) -> None:
        """Put an object's content at a path, as a link where `cache.type` and the file system allow it."""
        from dvc_objects.fs.generic import transfer

        target.parent.mkdir(parents=True, exist_ok=True)
        links = list(self._cache.cache_types)
        transfer(self._cache.fs, str(self.path(name)), self._cache.fs, str(target), links=links)

    @property
    def remote(self) -> str:
        """The default remote, in words."""
        name = self._repo.config["core"].get("remote")
        url = self._repo.config["remote"].get(name, {}).get("url") if name else None
        return f"remote '{name}' ({url})" if url else "no remote"

    @property
    def remotes(self) -> list[str]:
        """Names of all remotes that are configured."""
        return list(self._repo.config["remote"])

    def there(self, remote: str, names: Iterable[str]) -> set[str]:
        """Those of the objects that a remote has. Raises UserError when it cannot be reached."""
        with self._remote(remote) as odb:
            return set(odb.list_oids_exists(sorted(names), odb.fs.jobs))

    def delete(self, remote: str, names: Iterable[str]) -> int:
        """Delete objects from a remote; how many. Raises UserError when it cannot be reached or refuses."""
        with self._remote(remote) as odb:
            for name in (wanted := sorted(names)):
                odb.delete(name)
        return len(wanted)

    def require_remote(self) -> None:
        """Raise UserError when no default remote is configured."""
        if self.remote == "no remote":
            raise UserError("DVC has no default remote: `dvc remote add --default store PATH` names one")

    def _fetch(self, names: set[str]) -> None:
        """Copy objects from the remote into the cache; those that it lacks stay absent."""
        with self._remote() as odb:
            if odb.fs.protocol == "local" and not Path(odb.path).is_dir():
                raise UserError(f"{self.remote} does not exist: {REMEDY}")
            _transfer(odb, self._cache, sorted(names), "Fetching")

    @contextmanager
    def _remote(self, name: str | None = None) -> Iterator[Any]:
        """A remote's objects (of the default one if none is named); whatever fails becomes one line."""
        if name is None:
            self.require_remote()
        try:
            yield self._repo.cloud.get_remote_odb(name=name, command="fetch")
        except UserError:
            raise
        except Exception as error:  # each kind of remote (S3, SSH, WebDAV) fails with errors of its own
            called = self.remote if name is None else f"remote '{name}'"
            raise UserError(f"{called} cannot be reached: {_line(error)}; {REMEDY}") from None


def _line(error: BaseException) -> str:
    """What went wrong, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _transfer(source: Any, target: Any, names: list[str], what: str) -> None:
    """Copy objects from one of DVC's places to another, over what is there; missing ones are passed over."""
    failures: list[BaseException] = []
    try:
        _add(source, target, names, what, failures)
    except FileNotFoundError:  # from some remotes DVC stops at the first object that is missing, or at any failure
        _raise_real(failures)
        _add(source, target, list(source.list_oids_exists(names, source.fs.jobs)), what, failures)
    _raise_real(failures)


def _add(source: Any, target: Any, names: list[str], what: str, failures: list[BaseException]) -> None:
    from dvc.fs.callbacks import TqdmCallback

    paths = [source.oid_to_path(name) for name in names]
    with TqdmCallback(desc=what, unit="file") as bar:
        target.add(
            paths,
            source.fs,
            names,
            check_exists=False,
            callback=bar,
            batch_size=source.fs.jobs,
            on_error=lambda name, error: failures.append(error),
        )


def _raise_real(failures: list[BaseException]) -> None:
    """Raise what is more than a missing object."""
    for error in failures:
        if not isinstance(error, FileNotFoundError):
            raise error


def require_dvc(root: Path) -> None:
    """Raise UserError unless the folder lies in a git repository and DVC is set up in it."""
    try:
        git = subprocess.run(["git", "rev-parse", "--git-dir"], cwd=root, capture_output=True, check=False)
    except OSError:
        raise UserError("git is not installed: saving and restoring need it") from None
    if git.returncode:
        raise UserError(f"{root} is not in a git repository: run `git init` there, or clone the project")
    if not (root / ".dvc").is_dir():
        raise UserError(f"DVC is not set up in {root}: run `dvc init` there")
