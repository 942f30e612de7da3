"""The commands that docs/certificates.md gives to who has no neurosieve work on a certificate as it is written."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.owned import request
from tests.pipeline.sandbox import ROOT
from tests.requests.certified import issued, study

TEXT = (ROOT / "docs" / "certificates.md").read_text()


def commands(after: str) -> list[str]:
    """The commands of the listing that follows these words, without their remarks."""
    listing = TEXT.split(after, 1)[1].split("```console\n", 1)[1].split("```", 1)[0]
    return [re.sub(r"\s{2,}#.*", "", line[2:]) for line in listing.splitlines() if line.startswith("$ ")]


def told(command: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.skipif(None in map(shutil.which, ("openssl", "bash", "sha256sum")), reason="openssl is not here")
def test_openssl_and_sha256sum_alone_check_a_certificate(tmp_path: Path) -> None:
    make, public, _ = commands("## Sign")
    for command in (make, public):
        told(command, tmp_path)
    request(tmp_path / "p", "train-0012", name="R-1")
    content = study(forget={"ids_file": "data/requests/R-1.csv"}, evaluate=[{"use": "toy_evidence"}])
    one = issued(tmp_path / "p", content, key_file=tmp_path / "signing.pem")
    folder = one.certificate.folder
    shutil.copy(tmp_path / "signing.pub.pem", folder)
    verified, name, before, previous, file = commands("Without neurosieve")
    assert told(verified, folder) == "Signature Verified Successfully\n"
    assert told(name, folder).split()[0] == one.signer
    assert told(before, folder).split()[0] == one.certificate.sha256
    assert told(previous, folder) == '"previous":null\n'
    (export,) = one.certificate.statement["delivered"][0]["exports"]
    (path,) = (tmp_path / "p" / "results" / "store").glob("export/*/centres.json")
    assert told(file.replace("model.onnx", str(path)), folder).split()[0] == export["files"]["centres.json"]
    tag, _ = commands("Whoever holds the key")
    said = told(tag.replace("0000", "train-0012"), tmp_path / "p").split()[-1]
    assert one.certificate.statement["request"]["tags"] == [said]
