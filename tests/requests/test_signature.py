"""Signatures: openssl makes and checks the same ones; every unusable key is refused in one line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from neurosieve.artifacts.certificates import FILE, SIGNATURE, SIGNER
from neurosieve.errors import UserError
from neurosieve.requests.signature import fingerprint, fits, private_key, public_key, sign, signed_by

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not here")


def openssl(folder: Path, *arguments: str) -> bytes:
    done = subprocess.run([str(OPENSSL), *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys made by openssl: `signing`, `other` (Ed25519), `rsa`, `encrypted`, and their public halves `*.pub.pem`."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("signing", "other"):
        openssl(folder, "genpkey", "-algorithm", "ed25519", "-out", f"{name}.pem")
    openssl(folder, "genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "rsa.pem")
    openssl(folder, "pkey", "-in", "signing.pem", "-aes256", "-passout", "pass:word", "-out", "encrypted.pem")
    for name in ("signing", "other", "rsa"):
        openssl(folder, "pkey", "-in", f"{name}.pem", "-pubout", "-out", f"{name}.pub.pem")
    (folder / "empty.pem").write_text("")
    return folder


@needs_openssl
def test_openssl_verifies_what_is_signed_here(keys: Path, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"a":1}')
    named = sign(tmp_path, private_key(keys / "signing.pem", tmp_path))
    told = openssl(
        tmp_path, "pkeyutl", "-verify", "-pubin", "-inkey", str(keys / "signing.pub.pem"), "-rawin",
        "-in", FILE, "-sigfile", SIGNATURE,
    )  # fmt: skip
    assert b"Signature Verified Successfully" in told
    assert (tmp_path / SIGNER).read_text() == (keys / "signing.pub.pem").read_text()
    der = openssl(tmp_path, "pkey", "-pubin", "-in", SIGNER, "-outform", "DER")
    (tmp_path / "der").write_bytes(der)
    digest = openssl(tmp_path, "dgst", "-sha256", "-r", "der").split()[0].decode()
    assert named == signed_by(tmp_path) == fingerprint(public_key(keys / "signing.pub.pem")) == digest
    assert len((tmp_path / SIGNATURE).read_bytes()) == 64


@needs_openssl
def test_a_signature_fits_its_bytes_and_its_key_alone(keys: Path, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"a":1}')
    sign(tmp_path, private_key(keys / "signing.pem", tmp_path))
    signature = (tmp_path / SIGNATURE).read_bytes()
    key, other = public_key(keys / "signing.pub.pem"), public_key(keys / "other.pub.pem")
    assert fits(b'{"a":1}', signature, key)
    assert not fits(b'{"a":2}', signature, key)
    assert not fits(b'{"a":1}', signature, other)
    assert not fits(b'{"a":1}', signature[:-1], key)
    assert not fits(b'{"a":1}', b"", key)


@needs_openssl
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("encrypted.pem", "is encrypted and this asks for no passphrase: decrypt a copy"),
        ("rsa.pem", "is a private key, but not an Ed25519 one; `openssl genpkey"),
        ("signing.pub.pem", "is a public key; `openssl genpkey"),
        ("empty.pem", r"is no private key in PEM \(PKCS#8\)"),
        ("absent.pem", "cannot be read: No such file"),
    ],
)
def test_keys_that_cannot_sign(keys: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        private_key(keys / name, keys)


@needs_openssl
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("signing.pem", "is a private key; verify with its public half"),
        ("rsa.pub.pem", "is a public key, but not an Ed25519 one"),
        ("empty.pem", "is no public key in PEM: `openssl pkey"),
    ],
)
def test_keys_that_cannot_verify(keys: Path, name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        public_key(keys / name)


@needs_openssl
@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_a_key_that_git_would_store_is_refused(keys: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("/secret/\n")
    for folder in ("config", "secret"):
        (tmp_path / folder).mkdir()
        shutil.copy(keys / "signing.pem", tmp_path / folder / "signing.pem")
    with pytest.raises(UserError, match="lies where git stores it; move the signing key out of the repository"):
        private_key(tmp_path / "config" / "signing.pem", tmp_path)
    assert private_key(tmp_path / "secret" / "signing.pem", tmp_path)
