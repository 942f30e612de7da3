"""Ed25519 signatures of certificates (RFC 8032): the bytes of `certificate.json`, signed by a key that stays outside.

`certificate.sig` holds the 64 bytes, `signer.pem` the public key in PEM, so that `openssl pkeyutl -verify -rawin`
reads both. A key is named by the SHA-256 of its public half: `openssl pkey -pubin -outform DER | sha256sum`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from neurosieve.artifacts.certificates import FILE, SIGNATURE, SIGNER
from neurosieve.artifacts.store import write_error
from neurosieve.errors import UserError
from neurosieve.views.git import git_says

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAKE = "`openssl genpkey -algorithm ed25519 -out signing.pem` makes one"


def private_key(path: Path, root: Path) -> Ed25519PrivateKey:
    """The signing key of a file in PEM.

    Raises UserError in one line: no such file, encrypted, another kind of key, or a file that git would store (`root`
    is the project's folder).
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    content = _read(path)
    _refuse_in_git(path, root)
    try:
        key = load_pem_private_key(content, None)
    except TypeError:
        raise UserError(
            f"{path} is encrypted and this asks for no passphrase: decrypt a copy outside the repository with"
            f" `openssl pkey -in {path} -out …` and sign with that"
        ) from None
    except (ValueError, _unsupported()):
        what = "a public key" if b"PUBLIC KEY" in content else "no private key in PEM (PKCS#8)"
        raise UserError(f"{path} is {what}; {MAKE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UserError(f"{path} is a private key, but not an Ed25519 one; {MAKE}")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key of a file in PEM. Raises UserError in one line when it holds none of Ed25519."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    content = _read(path)
    get = "`openssl pkey -in signing.pem -pubout -out signing.pub.pem` gives it"
    try:
        key = load_pem_public_key(content)
    except (ValueError, _unsupported()):
        what = "a private key; verify with its public half" if b"PRIVATE KEY" in content else "no public key in PEM"
        raise UserError(f"{path} is {what}: {get}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UserError(f"{path} is a public key, but not an Ed25519 one: {get}")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 of the public key's DER form, as hex."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def sign(folder: Path, key: Ed25519PrivateKey) -> str:
    """Sign the certificate in a folder, over an older signature; the key's fingerprint.

    Raises UserError when the folder cannot be written.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = key.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in ((SIGNER, pem), (SIGNATURE, key.sign((folder / FILE).read_bytes()))):
        aside = folder / f".{name}.{os.getpid()}"
        try:
            aside.write_bytes(content)
            os.replace(aside, folder / name)
        except OSError as error:
            raise write_error(error, folder) from None
    return fingerprint(public)


def signed_by(folder: Path) -> str | None:
    """Fingerprint of the key that lies beside a certificate; None where it is not signed. It vouches for nothing."""
    return fingerprint(public_key(folder / SIGNER)) if (folder / SIGNATURE).exists() else None


def fits(content: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Whether a signature is this key's over these bytes."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _unsupported() -> type[Exception]:
    from cryptography.exceptions import UnsupportedAlgorithm

    return UnsupportedAlgorithm


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def _refuse_in_git(path: Path, root: Path) -> None:
    """A signing key that git stores, or would at the next `git add`, is no secret for long."""
    listed = git_says(root, "ls-files", "--cached", "--others", "--exclude-standard", "--", str(path.resolve()))
    if listed:
        raise UserError(f"{path} lies where git stores it; move the signing key out of the repository")
