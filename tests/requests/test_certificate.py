"""Certificates of a study: one per result, in a chain, refused ones too, never of what was not computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests import toys
from tests.owned import request
from tests.requests.certified import computed, file, issued, study

from neurosieve.artifacts.certificates import breaks, chain, folder_of
from neurosieve.artifacts.requested import read_asked
from neurosieve.errors import UserError
from neurosieve.requests.certificate import certify
from neurosieve.requests.purge import erase, listed
from neurosieve.requests.signature import fingerprint
from neurosieve.requests.verify import verify

WORDS = {0.5: "No trace was found", 0.59375: "Not resolvable", 0.875: "Refused", 0.125: "Refused"}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One project in which four results follow each other, each certified, the last one twice."""
    root = tmp_path_factory.mktemp("history") / "p"
    for found, title in WORDS.items():
        one = issued(root, study(found))
        assert (one.new, one.certificate.statement["title"]) == (True, title)
    assert not issued(root, study(found)).new
    return root


def test_each_new_result_is_the_next_of_the_chain(history: Path) -> None:
    found = chain(folder_of(history / "results"))
    assert [one.folder.name for one in found] == [f"000{number}-tiny-R-1" for number in (1, 2, 3, 4)]
    assert [one.statement["title"] for one in found] == list(WORDS.values())
    assert list(breaks(found)) == []
    assert [one.record["previous"] for one in found] == [None, *(one.sha256 for one in found[:-1])]


def test_attempts_stay_and_share_the_error_level(history: Path) -> None:
    first, *_, last = chain(folder_of(history / "results"))
    assert [one["outcome"] for one in last.statement["attempts"]] == ["no trace", "not resolvable", "refused"]
    assert last.statement["attempt"] == 4
    levels = [one.statement["delivered"][0]["evidence"][0]["attacks"][0]["level"] for one in (first, last)]
    assert levels[1] == pytest.approx(levels[0] / 16)  # attempt k may spend 6 / (pi k)^2 of the error


def test_what_was_said_before_is_said_anew_when_it_is_the_result_again(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history, tmp_path / "p")
    one = issued(tmp_path / "p", study(0.5))
    assert (one.new, one.certificate.number, one.certificate.statement["attempt"]) == (True, 5, 4)


def test_no_certificate_of_a_study_that_is_not_complete(tmp_path: Path) -> None:
    made = toys.project(tmp_path / "p", {"tiny": study()})
    with pytest.raises(
        UserError, match=r"tiny: \d+ of \d+ nodes are not computed .* no certificate; run `snakemake tiny`"
    ):
        certify(made, "tiny")
    assert not folder_of(made.store.results).exists()


def test_smoke_numbers_are_no_evidence(tmp_path: Path) -> None:
    made = toys.project(tmp_path / "p", {"tiny": study()}, "smoke")
    with pytest.raises(UserError, match="no certificate at smoke scale"):
        certify(made, "tiny")


def test_a_study_without_the_key_says_so(tmp_path: Path) -> None:
    made = toys.project(tmp_path / "p")
    with pytest.raises(UserError, match=r"config/studies/tiny.yaml has no `certify:`"):
        certify(made, "tiny")


def test_nothing_is_added_to_a_broken_chain(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history, tmp_path / "p")
    shutil.rmtree(file(tmp_path / "p", 2).parent)
    with pytest.raises(UserError, match=r"0003-tiny-R-1: certificate 2 is missing before it; nothing is added"):
        issued(tmp_path / "p", study(0.5))
    assert len(chain(folder_of(tmp_path / "p" / "results"))) == 3


def test_a_store_that_was_changed_gives_no_certificate(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history, tmp_path / "p")
    made = toys.again(tmp_path / "p")
    weights = toys.directory(made, toys.model_node(made.plan("tiny"), "drop")) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match=r"does not have the content it was stored with .*: no certificate"):
        certify(made, "tiny")


def test_what_was_purged_is_said_and_stays_said(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history, tmp_path / "p")
    made = computed(tmp_path / "p", study(0.125))
    one = certify(made, "tiny", purge={"nodes deleted": 3, "remote": "not asked"})
    assert (one.new, one.certificate.number) == (True, 5)
    assert one.certificate.statement["attempt"] == 4  # the same models and evidence are no new attempt
    assert "What was deleted here is listed below." in " ".join(one.certificate.statement["limits"])
    assert not certify(made, "tiny").new
    later = issued(tmp_path / "p", study(0.5))
    assert later.certificate.statement["purge"] == {"nodes deleted": 3, "remote": "not asked"}


def test_the_certificate_names_no_id(history: Path) -> None:
    """Ids of the tiny points are `train-0012`; the rule that chose them is no part either."""
    for path in folder_of(history / "results").rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert "train-0" not in text
            assert "label = 1" not in text
    tags = json.loads(file(history, 1).read_bytes())["statement"]["request"]["tags"]
    assert tags == sorted(tags)
    assert {len(tag) for tag in tags} == {64}


def test_a_certificate_of_the_chain_verifies(history: Path) -> None:
    for number in (1, 4):
        checked = verify(file(history, number))
        assert (checked.problems, checked.answer) == ([], "intact, signer unknown")
        assert any(line.startswith("head of the chain: certificate 4, SHA-256 ") for line in checked.notes)


def test_after_the_rows_are_purged_the_certificate_says_so_and_verifies(tmp_path: Path) -> None:
    file_of_request = request(tmp_path / "p", "Person 001", match="subject", name="R-1")
    forget = {"ids_file": "data/requests/R-1.csv"}
    made = computed(tmp_path / "p", study(dataset={"use": "toy.people"}, forget=forget, targets={}))
    first = certify(made, "tiny")
    purge = listed(made, read_asked(file_of_request, "data/requests/R-1.csv"))
    second = certify(made, "tiny", purge=erase(made, purge, told=True))
    assert (second.new, second.certificate.statement["attempt"]) == (True, 1)
    before, after = (one.certificate.statement for one in (first, second))
    assert after["request"] == before["request"]
    assert after["purge"]
    checked = verify(file(tmp_path / "p", 2), files=True)
    assert checked.problems == []
    assert any(
        "model before" in line and "was erased on 20" in line and "request R-1" in line for line in checked.notes
    )
    older = verify(file(tmp_path / "p", 1), files=True)
    assert older.problems == [], "what was purged in between is no fault of the certificate before"


def test_what_is_delivered_must_be_there(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history, tmp_path / "p")
    made = computed(tmp_path / "p", study(0.5))
    asked = read_asked(request(tmp_path / "p", "train-0012"), "data/requests/R-2026-01.csv")
    erase(made, listed(made, asked), told=True)  # the export was shown rows of all, and nobody said that it stays
    with pytest.raises(UserError, match=r"tiny: centres.json of export/toy-\w+ was purged: no certificate of it"):
        certify(made, "tiny")


def test_a_run_signs_with_the_key_that_the_configuration_names(history: Path, tmp_path: Path) -> None:
    shutil.copytree(history, tmp_path / "p")
    toys.project(tmp_path / "p", {"tiny": study(0.125)}, certificates={"sign": "../signing.pem"})
    with pytest.raises(UserError, match=r"signing.pem cannot be read: No such file"):
        certify(toys.again(tmp_path / "p"), "tiny")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "signing.pem").write_bytes(private)
    one = certify(toys.again(tmp_path / "p"), "tiny")
    assert (one.new, one.signer) == (False, fingerprint(key.public_key()))
    assert one.line(tmp_path / "p" / "results").endswith(f"Refused (unchanged), signed by {one.signer}")
