"""Certificates on disk: `results/certificates/<number>-<study>-<reference>/`, a chain in which each holds the hash of
the one before.

`certificate.json` is canonical JSON (RFC 8785): its bytes are what is hashed and signed, so nothing of this package is
needed to check one. Beside it lie its page (`index.html`), whose hash it holds, and, where it is signed,
`certificate.sig` (64 bytes) and `signer.pem` (the public key). A certificate is written once and never changed; a
signature may be added later.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neurosieve.artifacts.store import Store, sync_path, write_error
from neurosieve.errors import UserError

FILE, PAGE, SIGNATURE, SIGNER = "certificate.json", "index.html", "certificate.sig", "signer.pem"
FORMAT = "neurosieve certificate 1"
FIELDS = {
    "format": str,
    "number": int,
    "previous": str | None,
    "issued": str,
    "software": dict,
    "statement": dict,
    "statement_sha256": str,
}
"""What every certificate holds. `statement` is what it says, all else when and by what it was said."""
NO_HASH = "0" * 64
_FOLDER = re.compile(r"(\d{4,})-[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Certificate:
    """One certificate that was read: its folder, the bytes of its file and what they hold."""

    folder: Path
    content: bytes
    record: Mapping[str, Any]

    @property
    def number(self) -> int:
        return int(self.record["number"])

    @property
    def statement(self) -> Mapping[str, Any]:
        return self.record["statement"]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def canonical(value: Any) -> bytes:
    """A value as canonical JSON. Raises UserError for what JSON cannot hold: NaN, infinity, integers beyond 2**53."""
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise UserError(f"a certificate cannot hold this: {error}") from None


def sha256_of_value(value: Any) -> str:
    """SHA-256 of a value's canonical JSON, as hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def folder_of(results: Path) -> Path:
    """Where a project's certificates lie."""
    return results / "certificates"


def read_certificate(file: Path) -> Certificate:
    """A certificate, checked for form alone. Raises UserError in one line: no such file, no certificate, changed."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}") from None
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        raise UserError(f"{file} is not JSON: it is no certificate, or it was changed") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UserError(f"{file} is no certificate of the format '{FORMAT}'")
    wrong = [name for name, kind in FIELDS.items() if name not in record or not isinstance(record[name], kind)]
    if wrong or set(record) - set(FIELDS):
        name = (wrong or sorted(set(record) - set(FIELDS)))[0]
        raise UserError(f"{file} was changed, or is of another version: its field '{name}' is not as it must be")
    if canonical(record) != content:
        raise UserError(f"{file} was changed: it is not in canonical form (RFC 8785)")
    if sha256_of_value(record["statement"]) != record["statement_sha256"]:
        raise UserError(f"{file} was changed: its statement does not have the hash that it names")
    return Certificate(file.parent, content, record)


def page_hash(text: str, sha256: str) -> str:
    """SHA-256 of a page without the hash of its certificate, which in turn holds this one as `software.page`."""
    return hashlib.sha256(text.replace(sha256, NO_HASH).encode()).hexdigest()


def folders(root: Path) -> list[Path]:
    """Folders of certificates in the order of their numbers."""
    if not root.is_dir():
        return []
    found = [(int(match[1]), path) for path in root.iterdir() if (match := _FOLDER.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def chain(root: Path) -> list[Certificate]:
    """Every certificate of a folder by number. Raises UserError at the first that is not as it was written."""
    return [read_certificate(path / FILE) for path in folders(root)]


def breaks(certificates: Sequence[Certificate]) -> Iterator[str]:
    """What is wrong with a chain, a line each: missing, doubled, reordered or replaced certificates."""
    before: Certificate | None = None
    for one in certificates:
        name, follows = one.folder.name, before.number + 1 if before else 1
        if int(name.partition("-")[0]) != one.number:
            yield f"{name}: this is certificate {one.number}; it was put in another one's place"
        if before and one.number == before.number:
            yield f"{name}: there are two certificates {one.number}"
        elif one.number != follows:
            missing = f"certificate {follows} is" if one.number == follows + 1 else f"certificates from {follows} are"
            yield f"{name}: {missing} missing before it"
        elif one.record["previous"] != (before.sha256 if before else None):
            what = f"certificate {before.number}" if before else "the first certificate"
            yield f"{name}: {what} is not the one that this one was written after; one of them was replaced"
        before = one


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """One process at a time adds certificates. Raises UserError when the folder cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # a file system without modes, or another user's folder
            root.chmod(0o700)  # tags stand for people: who holds the key can tell whose they are
        lock = os.open(root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise write_error(error, root) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def append(
    store: Store,
    name: str,
    statement: Mapping[str, Any],
    before: Sequence[Certificate],
    issued: str,
    software: Mapping[str, Any],
    draw: Callable[[Mapping[str, Any], str], str],
) -> Certificate:
    """Write the next certificate of a chain; `name` is `<study>-<reference>`, `draw` makes its page of record and hash.

    Called within `alone`. Raises UserError when a disk or a permission refuses.
    """
    number = len(before) + 1
    record: dict[str, Any] = {
        "format": FORMAT,
        "number": number,
        "previous": before[-1].sha256 if before else None,
        "issued": issued,
        "software": dict(software),
        "statement": dict(statement),
        "statement_sha256": sha256_of_value(statement),
    }
    record["software"]["page"] = page_hash(draw(json.loads(canonical(record)), NO_HASH), NO_HASH)
    content = canonical(record)
    final = folder_of(store.results) / f"{number:04d}-{name}"
    scratch = store.scratch("certificate")
    try:
        (scratch / FILE).write_bytes(content)
        page = draw(json.loads(content), hashlib.sha256(content).hexdigest())
        (scratch / PAGE).write_text(page, encoding="utf-8", newline="\n")
        for path in (scratch / FILE, scratch / PAGE, scratch):
            sync_path(path)
        os.rename(scratch, final)
        sync_path(final.parent)
    except OSError as error:
        raise write_error(error, final) from None
    return read_certificate(final / FILE)
