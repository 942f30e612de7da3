"""What a certificate says: rows, models, steps, exports, evidence; and what it must not pass for good."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from tests import toys
from tests.owned import request
from tests.requests.certified import issued, study

from neurosieve.artifacts.certificates import Certificate, canonical
from neurosieve.artifacts.tags import known_key, tags_of
from neurosieve.requests.limits import EXACT_FOR, NO_RETRAINED
from neurosieve.requests.statement import _results

PEOPLE = {"use": "toy.people"}
FIRST, SECOND = ("Person 001", "Person 003"), ("Person 002",)
RETRAINED = {"base": "original", "rows": "retain"}
DROP = {"use": "unlearning.toy_drop", "far": 50}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def people(variants: dict[str, Any], certify: dict[str, Any], found: float = 0.5, **changes: Any) -> dict[str, Any]:
    """A study of people; the toy attack looks at every variant but the first."""
    of = [name for name in variants if name != "original"]
    evaluate = [{"use": "toy_accuracy"}, {"use": "toy_evidence", "found": found, "of": of}]
    fields = {"dataset": PEOPLE, "targets": {}, "evaluate": evaluate, **changes}
    return study(certify={"reference": None, **certify}, variants={"original": toys.ORIGINAL, **variants}, **fields)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which two requests follow each other: the first one's answer could not be resolved."""
    root = tmp_path_factory.mktemp("statement") / "p"
    a, b = (str(request(root, *ids, match="subject", name=name)) for ids, name in ((FIRST, "R-A"), (SECOND, "R-B")))
    a, b = ({"ids_file": str(Path(file).relative_to(root))} for file in (a, b))
    drop = {"from": "original", "forget": a, "unlearn": DROP}
    one = people({"drop": drop}, {"variants": ["drop"], "loss": 1}, found=0.59375, forget=a, targets={"drop": ["toy"]})
    issued(root, one)
    both = {"drop": drop, "both": {"from": "drop", "forget": b, "unlearn": DROP}}
    asked = {"variants": ["both"], "before": "drop", "reference": "R-B", "at": {"request": "R-B"}, "loss": 1}
    axes = {"request": {"R-A": {"measured": a}, "R-B": {"measured": b}}}
    issued(root, people(both, asked, axes=axes, forget=b))
    return root


@pytest.fixture(scope="module")
def first(root: Path) -> Certificate:
    return certificates(root)[0]


@pytest.fixture(scope="module")
def second(root: Path) -> Certificate:
    return certificates(root)[1]


def certificates(root: Path) -> list[Certificate]:
    from neurosieve.artifacts.certificates import chain, folder_of

    return chain(folder_of(root / "results"))


def test_the_rows_are_tags_and_the_reference_is_the_files_name(root: Path, first: Certificate) -> None:
    said = first.statement["request"]
    assert said["reference"] == "R-A"
    assert said["tags"] == tags_of(known_key(root), FIRST)
    assert said["rows"] == {"test": 2, "train": 6, "validation": 2}
    assert (said["match"], said["retention"]) == ("subject", "2027-01-31")
    assert hashlib.sha256(canonical(said["tags"])).hexdigest() == said["tags_sha256"]
    assert not any(one.encode() in first.content for one in ("Person", "p001"))


def test_models_and_exports_are_named_by_the_hashes_of_their_files(root: Path, first: Certificate) -> None:
    (one,) = first.statement["delivered"]
    store = root / "results" / "store"
    for model in (one["before"], one["after"]):
        assert model["sha256"] == sha256(store / model["folder"] / "model.safetensors")
    (export,) = one["exports"]
    assert export["files"] == {"centres.json": sha256(store / export["folder"] / "centres.json")}
    assert export["parity"] == 0.0
    assert [file["target"] for file in one["evidence"]] == ["native", "toy"]
    for file in one["evidence"]:
        for measured in file["files"]:
            (path,) = store.glob(f"*/*-{measured['node']}/metrics.parquet")
            assert measured["sha256"] == sha256(path)


def test_every_step_of_the_chain_has_its_parameters(second: Certificate) -> None:
    (one,) = second.statement["delivered"]
    assert [step["step"] for step in one["steps"]] == ["train", "unlearn", "unlearn"]
    assert one["steps"][1]["parameters"] == {"far": 50.0, "lambda": 1.0}


def test_a_second_request_begins_with_the_first_ones_answer(first: Certificate, second: Certificate) -> None:
    (before,) = second.statement["earlier_requests"]
    assert (before["reference"], before["sha256"]) == ("R-A", first.sha256)
    assert second.statement["delivered"][0]["before"]["sha256"] == first.statement["delivered"][0]["after"]["sha256"]
    assert [one["outcome"] for one in before["again"]] == ["no trace"]  # the first one's rows are attacked again


def test_the_status_of_a_chain_is_its_weakest_link(second: Certificate) -> None:
    assert (second.statement["outcome"], second.statement["status"]) == ("no trace", "not resolvable")


def test_without_a_retrained_reference_one_line_says_so(first: Certificate) -> None:
    assert first.statement["retrained"] is None
    assert NO_RETRAINED in first.statement["limits"]
    assert len(first.statement["limits"]) == 7
    for file in first.statement["delivered"][0]["evidence"]:
        assert "retrained" not in file["answers"]["stays"]
    assert b"NaN" not in first.content


def test_a_destroyed_model_does_not_pass_for_a_good_one(tmp_path: Path) -> None:
    request(tmp_path, *FIRST, match="subject", name="R-A")
    zero = {"from": "drop", "adapt": {"use": "adaptation.toy_shift", "scale": 0}}
    variants = {"drop": {"from": "original", "unlearn": DROP}, "zero": zero}
    forget = {"ids_file": "data/requests/R-A.csv"}
    said = issued(tmp_path, people(variants, {"variants": ["zero"]}, forget=forget)).certificate.statement
    (file,) = said["delivered"][0]["evidence"]
    assert {attack["outcome"] for attack in file["attacks"]} == {"no trace"}
    assert (file["works"], file["outcome"], said["title"]) == (False, "refused", "Refused")
    assert any("no longer does its work" in remark for remark in file["remarks"])


@pytest.mark.parametrize(("constants", "exact"), [("declared", True), ("unsaid", False)])
def test_exact_is_what_never_read_the_rows(tmp_path: Path, constants: str, exact: bool) -> None:
    request(tmp_path, *FIRST, match="subject", name="R-A")
    forget, data = {"ids_file": "data/requests/R-A.csv"}, {**PEOPLE, "constants": constants}
    content = people({"retrained": RETRAINED}, {"variants": ["retrained"]}, forget=forget, dataset=data)
    said = issued(tmp_path, content).certificate.statement
    (one,) = said["delivered"]
    assert one["exact"] is exact
    assert (EXACT_FOR in said["limits"]) is exact
    assert [why for why in one["not_exact"] if "constants" in why] == one["not_exact"]
    assert bool(one["not_exact"]) is not exact


def test_what_a_request_made_is_all_behind_the_model_before() -> None:
    """A second request may begin in the middle of what the first one delivered, at the parent that it repaired."""
    steps = [{"node": node} for node in ("original", "repaired", "pruned")]
    delivered = {"steps": steps, "before": {"node": "original"}, "after": {"sha256": "weights"}}
    assert _results(delivered) == {"repaired", "pruned", "weights"}
    again = {**delivered, "before": {"node": "another"}}  # trained again: the model before is not among its steps
    assert _results(again) == {"original", "repaired", "pruned", "weights"}
