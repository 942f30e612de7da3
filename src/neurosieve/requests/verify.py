"""Check a certificate: its form, its signature, its place in the chain, its page, and the files that it names.

What is signed are the bytes of `certificate.json`; without a key that the verifier holds, a certificate is at best
intact, never valid. A chain that was cut at its end looks whole: only a head that was written down elsewhere tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from neurosieve.artifacts.certificates import (
    FILE,
    PAGE,
    SIGNATURE,
    SIGNER,
    Certificate,
    breaks,
    folders,
    page_hash,
    read_certificate,
)
from neurosieve.artifacts.hashes import sha256_of
from neurosieve.artifacts.model import FILE as WEIGHTS
from neurosieve.artifacts.store import Store, read_provenance
from neurosieve.errors import UserError
from neurosieve.requests.signature import fingerprint, fits, public_key

CERTIFICATES = "certificates"
"""Name of a project's folder of certificates; one in any other folder may have been sent alone."""
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
    chain = _check_chain(checked, certificate, head)
    known = _check_page(checked, certificate)
    _check_others(checked, certificate, chain, key)
    if files and known:
        checked.problems += _changed_files(checked, certificate)
    elif not files:
        checked.notes.append("the files it names were not compared (--store does that)")
    return checked


Fit = Literal["none", "fits", "another", "broken", "unknown"]
"""Of a signature: there is none; of the verifier's key; of the key beside it; of neither; nothing to check it by."""


def _signature(certificate: Certificate, key: Any) -> tuple[Fit, Any]:
    """How its signature fits, and the key that lies beside it. Raises UserError where that is no key."""
    folder = certificate.folder
    if not (folder / SIGNATURE).exists():
        return "none", None
    signature = (folder / SIGNATURE).read_bytes()
    beside = public_key(folder / SIGNER) if (folder / SIGNER).exists() else None
    if key and fits(certificate.content, signature, key):
        return "fits", beside
    if beside:
        return ("another" if fits(certificate.content, signature, beside) else "broken"), beside
    return ("broken" if key else "unknown"), None


def _check_signature(checked: Checked, certificate: Certificate, key: Any, key_file: Path | None) -> None:
    name, checked.answer = certificate.folder.name, "intact, signer unknown"
    try:
        fit, beside = _signature(certificate, key)
    except UserError as error:
        checked.problems.append(str(error))
        return
    if fit == "none" and key:
        checked.problems.append(f"{name}: it is not signed: there is no {SIGNATURE} for the key to check")
    elif fit == "none":
        checked.notes.append("it is not signed: anyone could have written it")
    elif fit == "fits":
        checked.answer = f"valid, signed by {fingerprint(key)} ({key_file})"
    elif fit == "another" and key:
        one, other = fingerprint(beside), fingerprint(key)
        checked.problems.append(f"{name}: it was signed with another key ({one}), not with {key_file} ({other})")
    elif fit == "broken":
        checked.problems.append(f"{name}: the signature does not fit: {FILE} or {SIGNATURE} was changed")
    else:
        who = fingerprint(beside) if beside else "a key that is not here"
        checked.notes.append(f"signed with {who}; only a key from the signer's own hands tells who that is (--key)")


def _check_others(checked: Checked, certificate: Certificate, chain: list[Certificate], key: Any) -> None:
    """Signatures and pages of the rest of the chain, whose content the hashes in the chain vouch for already."""
    unsigned, foreign = [], []
    for one in (one for one in chain if one.folder.resolve() != certificate.folder.resolve()):
        name = one.folder.name
        try:
            fit, _ = _signature(one, key)
        except UserError as error:
            checked.problems.append(str(error))
            continue
        if fit == "broken":
            checked.problems.append(f"{name}: the signature does not fit: {FILE} or {SIGNATURE} was changed")
        unsigned += [name] * (fit == "none")
        foreign += [name] * (fit == "another" and key is not None)
        _check_page(checked, one)
    if unsigned and (certificate.folder / SIGNATURE).exists():
        checked.notes.append(f"of the chain's others not signed: {', '.join(unsigned)}")
    if foreign:
        checked.notes.append(f"of the chain's others signed with another key: {', '.join(foreign)}")


def _check_chain(checked: Checked, certificate: Certificate, head: str | None) -> list[Certificate]:
    """The whole chain of the folder, back to number 1 and on to its end; of one that was sent alone only what it says.

    Returns the chain.
    """
    root = certificate.folder.resolve().parent
    paths = folders(root)
    if certificate.folder.resolve() not in paths:
        paths = []
    sent = len(paths) <= 1 and root.name != CERTIFICATES
    if len(paths) <= 1:
        chain = [certificate]
        if sent and certificate.number > 1:
            checked.notes.append(f"the {certificate.number - 1} certificates before it are not here: chain not checked")
    else:
        chain = []
        for path in paths:
            try:
                chain.append(read_certificate(path / FILE))
            except UserError as error:
                checked.problems.append(str(error))
    if not sent or certificate.number == 1:
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
    return chain


def _check_page(checked: Checked, certificate: Certificate) -> bool:
    """The page beside it, which people read, says what the certificate says; False where that can be no certificate."""
    from neurosieve.report.certificate import draw, drawing

    page, name = certificate.folder / PAGE, certificate.folder.name
    try:
        drawn = draw(certificate.record, certificate.sha256)
    except MALFORMED:
        checked.problems.append(f"{name}: {FILE} says what no certificate of this version says")
        return False
    if not page.is_file():
        checked.notes.append(f"{name}: there is no {PAGE} for people to read; {FILE} alone counts")
        return True
    text = page.read_text(encoding="utf-8", errors="replace")
    own, named = f'<meta name="drawn-by" content="{drawing()}">' in text, certificate.record["software"].get("page")
    changed = certificate.sha256 not in text or page_hash(text, certificate.sha256) != named
    if (own and text != drawn) or (named and changed):
        checked.problems.append(f"{name}: {PAGE} does not show what {FILE} says; it was changed")
    elif not own and not named:
        checked.notes.append(f"{name}: {PAGE} was drawn by another version and was not compared; {FILE} alone counts")
    return True


def _changed_files(checked: Checked, certificate: Certificate) -> Iterator[str]:
    """Files of the store that are not what the certificate names; what may be purged is a note when it is gone."""
    root = certificate.folder.resolve().parent
    store = Store(root.parent if root.name == CERTIFICATES else Path("results").resolve())
    compared = 0
    for what, key, name, digest, needed in named_files(certificate.statement):
        try:
            path = store.find(key) / name
        except UserError:
            path = store.root / key / name
        if not path.is_file():
            if erased := _erased(path.parent, name):
                checked.notes.append(f"{what}: {name} of node {key} was {erased}")
            elif needed:
                yield f"{what}: node {key} has no {name} in the store"
            else:
                checked.notes.append(f"{what}: node {key} has no {name} in the store: purged, or not restored")
        elif sha256_of(path) != digest:
            yield f"{what}: {store.shown(str(path))} was changed; it is not the file that was certified"
        else:
            compared += 1
    checked.notes.append(f"{compared} files compared with the hashes it names")


def _erased(folder: Path, name: str) -> str:
    """When, and for which request, a file of a node was erased; empty where its record says nothing of it."""
    try:
        erased = read_provenance(folder)["erased"]
        return f"erased on {erased['when']} for request {erased['request']}" if name in erased["files"] else ""
    except (UserError, OSError, ValueError, LookupError, TypeError):
        return ""


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
