"""Tags: what stands for an id wherever results are kept, HMAC-SHA-256 of it under a key of the controller.

Ids of people live in `data/requests/` alone, outside git and DVC. A plain hash of an id can be guessed by hashing every
likely one; a tag cannot without the key, which lies beside the requests and never enters a result.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from neurosieve.artifacts.store import PROVENANCE, write_error
from neurosieve.errors import UserError

REQUESTS = Path("data/requests")
"""Folder of requests and key below the project's, mode 0700."""
KEY = REQUESTS / "key"
BYTES = 32
CHECK = Path("results/.work/key")
"""Keyed hash of nothing: tells another key from the one that was used here before, and nobody what either is."""
TAGGED = ("prepare/forget-ids-*", "prepare/*", "*/*")
"""Where nodes with tags are looked for, the likely ones first."""


def controller_key(root: Path) -> bytes:
    """The project's key, 32 bytes; drawn on first use and kept as hex in `data/requests/key`, mode 0600.

    Raises UserError when it is not a key, cannot be read or written, or is missing while results hold tags that were
    made with it: a new one would not recognise them.
    """
    if not (root / KEY).exists():
        if (tagged := _tagged(root)) is not None:
            raise _missing(f"{tagged} and perhaps others hold tags made with it")
        _draw(root)
    return known_key(root)


def known_key(root: Path) -> bytes:
    """The project's key, never a new one. Raises UserError when it is missing, not a key, or not that of the tags."""
    path = root / KEY
    try:
        text = path.read_text("ascii").strip()
        _make_private(path, 0o600)
        key = bytes.fromhex(text)
    except FileNotFoundError:
        raise _missing("the tags of a request were made with it") from None
    except OSError as error:
        raise UserError(f"{KEY} cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != BYTES:
        raise UserError(f"{KEY} is not a key ({2 * BYTES} hex digits in one line); put the right one back")
    _refuse_another(root, key)
    return key


def tag(key: bytes, text: str) -> str:
    """The tag of an id: 64 hex digits of HMAC-SHA-256 of its UTF-8 text."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def tags_of(key: bytes, ids: Iterable[str]) -> list[str]:
    """The ids' tags, sorted, so that they say nothing of the order of a list."""
    return sorted(tag(key, text) for text in ids)


def digest(key: bytes, content: bytes) -> str:
    """Keyed hash of a request's file: tells that it changed, and nobody without the key what is in it."""
    return hmac.digest(key, b"file\0" + content, "sha256").hex()


def make_private_folder(root: Path) -> Path:
    """`data/requests/`, made if it is not there, for its owner alone. Raises UserError when it cannot be made."""
    folder = root / REQUESTS
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, folder) from None
    _make_private(folder, 0o700)
    return folder


def _draw(root: Path) -> None:
    """Write a new key whole or not at all; of several processes that do so at once, the first one's stays."""
    folder = make_private_folder(root)
    aside = folder / f".key-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{secrets.token_hex(BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(aside, root / KEY)
    except OSError as error:
        raise write_error(error, folder) from None
    finally:
        aside.unlink(missing_ok=True)


def _make_private(path: Path, mode: int) -> None:
    """Take what group and others may do away; on a file system without modes nothing can be taken."""
    if path.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):
            path.chmod(mode)


def _refuse_another(root: Path, key: bytes) -> None:
    """Raises UserError when another key was used before and the store holds tags; else this one is remembered."""
    path, check = root / CHECK, hmac.digest(key, b"key\0", "sha256").hex()
    try:
        before = path.read_text("ascii")
    except (OSError, ValueError):
        before = None
    if before == check:
        return
    if before is not None and (tagged := _tagged(root)) is not None:
        raise UserError(
            f"{KEY} is not the one the tags here were made with ({tagged} and perhaps others hold such); put that one "
            f"back from where it is kept safe, or delete {CHECK} if it was the other that was wrong"
        )
    with contextlib.suppress(OSError):  # a store that cannot be written gets no new tags
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".key-{os.getpid()}-{secrets.token_hex(4)}")
        aside.write_text(check)
        os.replace(aside, path)


def _tagged(root: Path) -> str | None:
    """A node of the store that holds tags, if there is one: its selection, what left rows out, an erased dataset."""
    found = (path for part in TAGGED for path in (root / "results" / "store").glob(f"{part}/{PROVENANCE}"))
    return next((path.parent.name for path in found if _holds_tags(path)), None)


def _holds_tags(path: Path) -> bool:
    try:
        text = path.read_text(errors="replace")
        if not any(f'"{word}"' in text for word in ("tags", "without", "erased.arrow")):
            return False
        record = json.loads(text)
        recipe = record.get("recipe", {})
        return "tags" in recipe.get("params", {}) or "without" in recipe or "erased.arrow" in record.get("files", {})
    except (OSError, ValueError, AttributeError):
        return False


def _missing(why: str) -> UserError:
    return UserError(f"{KEY} is missing: {why}; put it back from where it is kept safe")
