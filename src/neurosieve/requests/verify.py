"""Check a certificate: its form, its signature, its place in the chain, its page, and the files that it names.

What is signed are the bytes of `certificate.json`; without a key that the verifier holds, a certificate is at best
intact, never valid. A chain that was cut at its end looks whole: only a head that was written down elsewhere tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neurosieve.artifacts.certificates import (
    FILE,
    PAGE,
    SIGNATURE,
    SIGNER,
    Certificate,
    breaks,
    folders,
    read_certificate,
)
from neurosieve.artifacts.hashes import sha256_of
from neurosieve.artifacts.model import FILE as WEIGHTS
from neurosieve.artifacts.store import Store
from neurosieve.errors import UserError
from neurosieve.requests.signature import fingerprint, fits, public_key

MALFORMED = (LookupError, TypeError, ValueError, AttributeError, StopIteration)
"""What reading a statement raises that was not written by `statement_of`."""


@dataclass
class Checked:
    """What a check came to: `problems`, a line each, or the `answer`; `notes` on what was not checked, and the head."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    answer: str = ""

    def lines(self) -> list[str]:
        """What the command prints."""
        return [*(self.problems or [self.answer]), *self.notes]


def verify(file: Path, key_file: Path | None = None, files: bool = False, head: str | None = None) -> Checked:
    """Check a certificate and the chain that it lies in.

    `key_file` is the signer's public key in PEM, from elsewhere; `files` also compares the files of the store, `head`
    is the hash of a certificate that was written down before. Raises UserError for an unusable key.
    """
    key = public_key(key_file) if key_file else None
    checked = Checked()
    try:
        certificate = read_certificate(file)
    except UserError as error:
        checked.problems.append(str(error))
        return checked
    _check_signature(checked, certificate, key, key_file)
    _check_chain(checked, certificate, head)
    known = _check_page(checked, certificate)
    if files and known:
        checked.problems += _changed_files(checked, certificate)
    elif not files:
        checked.notes.append("the files it names were not compared (--store does that)")
    return checked


def _check_signature(checked: Checked, certificate: Certificate, key: Any, key_file: Path | None) -> None:
    folder, checked.answer = certificate.folder, "intact, signer unknown"
    if not (folder / SIGNATURE).exists():
        if key:
            checked.problems.append(f"{folder.name}: it is not signed: there is no {SIGNATURE} for the key to check")
        else:
            checked.notes.append("it is not signed: anyone could have written it")
        return
    signature = (folder / SIGNATURE).read_bytes()
    try:
        beside = public_key(folder / SIGNER) if (folder / SIGNER).exists() else None
    except UserError as error:
        checked.problems.append(str(error))
        return
    if key and fits(certificate.content, signature, key):
        checked.answer = f"valid, signed by {fingerprint(key)} ({key_file})"
    elif key and beside and fits(certificate.content, signature, beside):
        one, other = fingerprint(beside), fingerprint(key)
        checked.problems.append(f"{folder.name}: it was signed with another key ({one}), not with {key_file} ({other})")
    elif key or (beside and not fits(certificate.content, signature, beside)):
        checked.problems.append(f"{folder.name}: the signature does not fit: {FILE} or {SIGNATURE} was changed")
    else:
        who = fingerprint(beside) if beside else "a key that is not here"
        checked.notes.append(f"signed with {who}; only a key from the signer's own hands tells who that is (--key)")


def _check_chain(checked: Checked, certificate: Certificate, head: str | None) -> None:
    """The whole chain of the folder, back to number 1 and on to its end; alone, only what it says of itself."""
    root = certificate.folder.resolve().parent
    paths = folders(root)
    if certificate.folder.resolve() not in paths:
        paths = []
    if len(paths) <= 1:
        chain = [certificate]
        if certificate.number > 1:
            checked.notes.append(f"the {certificate.number - 1} certificates before it are not here: chain not checked")
    else:
        chain = []
        for path in paths:
            try:
                chain.append(read_certificate(path / FILE))
            except UserError as error:
                checked.problems.append(str(error))
    if len(paths) > 1 or certificate.number == 1:
        checked.problems += breaks(chain)
    hashes = [one.sha256 for one in chain]
    if head and head.lower() not in hashes:
        checked.problems.append(
            f"no certificate here has the hash {head} that you wrote down: the chain was cut or changed"
        )
    if chain:
        last = chain[-1]
        checked.notes.append(
            f"head of the chain: certificate {last.number}, SHA-256 {last.sha256}; write it down elsewhere"
        )


def _check_page(checked: Checked, certificate: Certificate) -> bool:
    """The page beside it, which people read, says what the certificate says; False where that can be no certificate."""
    from neurosieve.report.certificate import draw, drawing

    page = certificate.folder / PAGE
    try:
        drawn = draw(certificate.record, certificate.sha256)
    except MALFORMED:
        checked.problems.append(f"{certificate.folder.name}: {FILE} says what no certificate of this version says")
        return False
    if not page.is_file():
        return True
    text = page.read_text(encoding="utf-8", errors="replace")
    if f'<meta name="drawn-by" content="{drawing()}">' not in text:
        checked.notes.append(f"{PAGE} was drawn by another version and was not compared; {FILE} alone counts")
    elif text != drawn:
        checked.problems.append(f"{certificate.folder.name}: {PAGE} does not show what {FILE} says; it was changed")
    return True


def _changed_files(checked: Checked, certificate: Certificate) -> Iterator[str]:
    """Files of the store that are not what the certificate names; what may be purged is a note when it is gone."""
    root = certificate.folder.resolve().parent
    store = Store(root.parent if root.name == "certificates" else Path("results").resolve())
    compared = 0
    for what, key, name, digest, needed in named_files(certificate.statement):
        try:
            path = store.find(key) / name
        except UserError:
            path = store.root / key / name
        if not path.is_file():
            if needed:
                yield f"{what}: node {key} has no {name} in the store"
            else:
                checked.notes.append(f"{what}: node {key} has no {name} in the store: purged, or not restored")
        elif sha256_of(path) != digest:
            yield f"{what}: {store.shown(str(path))} was changed; it is not the file that was certified"
        else:
            compared += 1
    checked.notes.append(f"{compared} files compared with the hashes it names")


def named_files(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, bool]]:
    """Every file that a statement names: what it is, node, file, SHA-256, and whether it has to be there."""
    for one in statement["delivered"]:
        name = one["variant"] + ("" if one["seed"] is None else f", seed {one['seed']}")
        for what, model, needed in (("model before", one["before"], False), ("delivered model", one["after"], True)):
            at: Mapping[str, Any] | None = model
            while at:
                yield f"{what} {name}", at["node"], WEIGHTS, at["sha256"], needed
                at = at.get("base")
        for export in one["exports"]:
            for file, digest in export["files"].items():
                yield f"export {export['target']} of {name}", export["node"], file, digest, True
        for file in one["evidence"]:
            for measured in file["files"]:
                what = f"evidence on {name}, {file['target']}"
                yield what, measured["node"], "metrics.parquet", measured["sha256"], True
