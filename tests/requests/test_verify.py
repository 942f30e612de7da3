"""Checking certificates: every way of tampering is told in a line of its own; without a key none is called valid."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests import toys
from tests.requests.certified import file, issued, study

from neurosieve.artifacts.certificates import FILE, PAGE, SIGNATURE, SIGNER, canonical, folder_of, sha256_of_value
from neurosieve.cli import cli
from neurosieve.requests.signature import fingerprint, public_key
from neurosieve.requests.verify import verify


def write_key(folder: Path, name: str) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.pem").write_bytes(private)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / f"{name}.pub.pem").write_bytes(public)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys `signing` and `other`, and a project `p` with three certificates, all signed."""
    folder = tmp_path_factory.mktemp("made")
    for name in ("signing", "other"):
        write_key(folder, name)
    for found in (0.5, 0.59375, 0.875):
        issued(folder / "p", study(found), key_file=folder / "signing.pem")
    return folder


@pytest.fixture
def box(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to tamper with."""
    shutil.copytree(made, tmp_path / "box", symlinks=True)
    return tmp_path / "box"


def rewritten(path: Path, change: Callable[[dict], None]) -> None:
    """Change a certificate as one would who knows the format: canonical again, its own hash right."""
    record = json.loads(path.read_bytes())
    change(record)
    record["statement_sha256"] = sha256_of_value(record["statement"])
    path.write_bytes(canonical(record))


def problems(box: Path, number: int = 3, key: str | None = "signing", **more) -> list[str]:
    return verify(file(box / "p", number), box / f"{key}.pub.pem" if key else None, **more).problems


def test_valid_with_the_key_and_intact_without(made: Path) -> None:
    key = made / "signing.pub.pem"
    checked = verify(file(made / "p", 2), key, files=True)
    assert checked.problems == []
    assert checked.answer == f"valid, signed by {fingerprint(public_key(key))} ({key})"
    checked = verify(file(made / "p", 2))
    assert (checked.problems, checked.answer) == ([], "intact, signer unknown")
    assert any("only a key from the signer's own hands" in line for line in checked.notes)


def test_an_unsigned_one_is_never_valid(box: Path) -> None:
    (file(box / "p", 3).parent / SIGNATURE).unlink()
    assert problems(box) == [f"0003-tiny-R-1: it is not signed: there is no {SIGNATURE} for the key to check"]
    checked = verify(file(box / "p", 3))
    assert (checked.problems, checked.answer) == ([], "intact, signer unknown")
    assert "it is not signed: anyone could have written it" in checked.notes


def test_another_key(made: Path) -> None:
    (line,) = problems(made, key="other")
    assert line.startswith("0003-tiny-R-1: it was signed with another key (")


def test_a_word_changed_in_the_file(box: Path) -> None:
    path = file(box / "p", 3)
    path.write_bytes(path.read_bytes().replace(b'"refused"', b'"no trace"'))
    (line,) = problems(box)
    assert line.endswith("was changed: its statement does not have the hash that it names")
    path.write_bytes(path.read_bytes() + b"\n")
    assert problems(box)[0].endswith("was changed: it is not in canonical form (RFC 8785)")


def test_a_changed_statement_with_its_own_hash_put_right(box: Path) -> None:
    rewritten(file(box / "p", 3), lambda record: record["statement"].update(title="No trace was found"))
    found = problems(box)
    assert f"0003-tiny-R-1: the signature does not fit: {FILE} or {SIGNATURE} was changed" in found
    assert any(PAGE in line for line in found)


def test_an_unsigned_change_in_the_middle_breaks_the_chain(box: Path) -> None:
    rewritten(file(box / "p", 2), lambda record: record.update(issued="2026-01-01T00:00:00Z"))
    (file(box / "p", 2).parent / SIGNATURE).unlink()
    assert problems(box) == [
        "0003-tiny-R-1: certificate 2 is not the one that this one was written after; one of them was replaced",
        f"0002-tiny-R-1: {PAGE} does not show what {FILE} says; it was changed",
    ]


def hash_of(box: Path, number: int) -> str:
    return hashlib.sha256(file(box / "p", number).read_bytes()).hexdigest()


def test_a_missing_middle_a_swap_and_a_double(box: Path) -> None:
    root = folder_of(box / "p" / "results")
    first, second = file(box / "p", 1).parent, file(box / "p", 2).parent
    shutil.move(second, box / "aside")
    assert problems(box) == ["0003-tiny-R-1: certificate 2 is missing before it"]
    shutil.move(first, second)
    shutil.move(box / "aside", first)
    assert "0001-tiny-R-1: this is certificate 2; it was put in another one's place" in problems(box)
    shutil.copytree(file(box / "p", 3).parent, root / "0003-tiny-again")
    assert any(line.endswith("there are two certificates 3") for line in problems_of(root))


def problems_of(root: Path) -> list[str]:
    return verify(root / "0003-tiny-R-1" / FILE).problems


def test_a_cut_at_the_end_shows_only_against_a_head_that_was_written_down(box: Path) -> None:
    head = verify(file(box / "p", 3)).notes
    (digest,) = {line.split("SHA-256 ")[1].split(";")[0] for line in head if line.startswith("head of the chain")}
    shutil.rmtree(file(box / "p", 3).parent)
    assert problems(box, 2) == []
    assert problems(box, 2, head=digest) == [
        f"no certificate here has the hash {digest} that you wrote down: the chain was cut or changed"
    ]


def test_changed_files_of_the_store(box: Path) -> None:
    made = toys.again(box / "p")
    plan = made.plan("tiny")
    for variant, expected in (("drop", "delivered model drop, seed 11"), ("original", "model before drop, seed 11")):
        path = toys.directory(made, toys.model_node(plan, variant)) / "model.safetensors"
        kept = path.read_bytes()
        path.write_bytes(kept[:-1] + b"!")
        (line,) = problems(box, files=True)
        assert line.startswith(f"{expected}: results/store/")
        assert line.endswith("was changed; it is not the file that was certified")
        path.write_bytes(kept)
    export = next(cell.export for cell in plan.cells if cell.variant == "drop" and cell.export)
    (toys.directory(made, plan.nodes[export]) / "centres.json").unlink()
    assert [line.split(":")[0] for line in problems(box, files=True)] == ["export toy of drop, seed 11"]


def test_a_model_before_that_was_purged_is_a_note(box: Path) -> None:
    made = toys.again(box / "p")
    shutil.rmtree(toys.directory(made, toys.model_node(made.plan("tiny"), "original")))
    checked = verify(file(box / "p", 3), files=True)
    assert checked.problems == []
    gone = "has no model.safetensors in the store: purged, or not restored"
    assert any(line.endswith(gone) for line in checked.notes)


def test_the_page_beside_it_is_compared(box: Path) -> None:
    page = file(box / "p", 3).parent / PAGE
    page.write_text(page.read_text().replace("Refused", "No trace was found"))
    assert problems(box) == [f"0003-tiny-R-1: {PAGE} does not show what {FILE} says; it was changed"]
    page.write_text(re.sub(r'(name="drawn-by" content=")\w+', r"\g<1>0", page.read_text()))
    assert problems(box) == [f"0003-tiny-R-1: {PAGE} does not show what {FILE} says; it was changed"]
    page.unlink()
    checked = verify(file(box / "p", 3), box / "signing.pub.pem")
    assert checked.problems == []
    assert f"0003-tiny-R-1: there is no {PAGE} for people to read; {FILE} alone counts" in checked.notes


def test_a_page_of_another_version_is_compared_by_the_hash_in_its_certificate(
    box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurosieve.report.certificate.drawing", lambda: "another")
    checked = verify(file(box / "p", 3), box / "signing.pub.pem")
    assert checked.problems == []
    assert not any("not compared" in line for line in checked.notes if PAGE in line)
    page = file(box / "p", 3).parent / PAGE
    kept = page.read_text()
    for change in (("Refused", "No trace was found"), (hash_of(box, 3), "0" * 64)):
        page.write_text(kept.replace(*change))
        assert problems(box) == [f"0003-tiny-R-1: {PAGE} does not show what {FILE} says; it was changed"]


def test_the_first_certificates_had_no_hash_of_their_page(box: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rewritten(file(box / "p", 3), lambda record: record["software"].pop("page"))
    monkeypatch.setattr("neurosieve.report.certificate.drawing", lambda: "another")
    notes = verify(file(box / "p", 3)).notes
    assert any("was drawn by another version and was not compared" in line for line in notes)


def test_the_rest_of_the_chain_is_checked_too(box: Path) -> None:
    second = file(box / "p", 2).parent
    kept = (second / SIGNATURE).read_bytes()
    (second / SIGNATURE).write_bytes(bytes(64))
    assert problems(box) == [f"0002-tiny-R-1: the signature does not fit: {FILE} or {SIGNATURE} was changed"]
    (second / SIGNATURE).unlink()
    checked = verify(file(box / "p", 3), box / "signing.pub.pem")
    assert (checked.problems, checked.notes[-2]) == ([], "of the chain's others not signed: 0002-tiny-R-1")
    (second / SIGNATURE).write_bytes(kept)
    (second / PAGE).write_text("<p>No trace was found</p>")
    assert problems(box) == [f"0002-tiny-R-1: {PAGE} does not show what {FILE} says; it was changed"]


def test_the_last_of_a_chain_whose_beginning_was_deleted(box: Path) -> None:
    for number in (1, 2):
        shutil.rmtree(file(box / "p", number).parent)
    assert problems(box) == ["0003-tiny-R-1: certificates from 1 are missing before it"]


def test_the_folder_is_for_its_owner_alone(made: Path) -> None:
    assert folder_of(made / "p" / "results").stat().st_mode & 0o077 == 0


def test_a_certificate_that_was_mailed_alone(box: Path) -> None:
    shutil.copytree(file(box / "p", 3).parent, box / "mail")
    checked = verify(box / "mail" / FILE, box / "signing.pub.pem")
    assert checked.problems == []
    assert "the 2 certificates before it are not here: chain not checked" in checked.notes


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON: it is no certificate, or it was changed"),
        (b"[1]", "is no certificate of the format"),
        (b'{"format":"neurosieve certificate 1"}', "its field 'number' is not as it must be"),
    ],
)
def test_what_is_no_certificate(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert message in verify(tmp_path / FILE).problems[0]


def test_a_broken_public_key_beside_it(box: Path) -> None:
    (file(box / "p", 3).parent / SIGNER).write_text("nothing")
    assert "is no public key in PEM" in problems(box, key=None)[0]
    assert "was changed" not in " ".join(problems(box, key=None))


def test_the_command_exits_with_1_for_a_problem(made: Path) -> None:
    run = CliRunner().invoke(cli, ["verify", str(file(made / "p", 1)), "--key", str(made / "signing.pub.pem")])
    assert (run.exit_code, run.output.splitlines()[0][:17]) == (0, "valid, signed by ")
    run = CliRunner().invoke(cli, ["verify", str(file(made / "p", 1)), "--key", str(made / "other.pub.pem")])
    assert run.exit_code == 1


def test_a_statement_of_another_shape_is_told_and_does_not_crash(box: Path) -> None:
    for change in ({"delivered": [{}]}, {"request": None}, {"outcome": "removed"}, {"limits": 3}):
        path = file(box / "p", 3)
        kept = path.read_bytes()
        rewritten(path, lambda record, change=change: record["statement"].update(change))
        assert any("says what no certificate of this version says" in line for line in problems(box, files=True))
        path.write_bytes(kept)
