"""A real run under a deletion request: no id, and no plain hash of one, is anywhere but in the data themselves."""

from __future__ import annotations

import hashlib
import json

import pytest

from tests.owned import request
from tests.pipeline.sandbox import Sandbox
from tests.toys import ORIGINAL, bare

pytestmark = pytest.mark.pipeline
PEOPLE = ("Person 001", "Person 005")
STUDY = bare(
    {"original": ORIGINAL, "retrained": {**ORIGINAL, "rows": "retain"}},
    dataset={"use": "toy.people"},
    forget={"ids_file": "data/requests/R-2026-01.csv"},
    targets={"original": ["toy"]},
    evaluate=[{"use": "toy_accuracy"}],
)


def told_by(texts: list[str]) -> list[bytes]:
    """The texts and their plain hashes, as hex and as bytes."""
    hashes = [hashlib.new(name, text.encode()) for text in texts for name in ("md5", "sha1", "sha256")]
    found = [text.encode() for text in texts] + [one.hexdigest().encode() for one in hashes]
    return found + [one.digest() for one in hashes]


def test_ids_are_in_the_base_dataset_alone(fresh: Sandbox) -> None:
    box = fresh
    box.configure({"tiny": STUDY})
    file = request(box.root, *PEOPLE, match="subject")
    ran = box.snakemake()
    assert ran.code == 0, ran.output
    rows = [f"p{person}-{row}" for person in ("001", "005") for row in ("tr0", "tr1", "tr2", "va0", "te0")]
    secrets = told_by([*PEOPLE, *rows, file.read_text()])
    (base,) = (box.root / "results" / "store" / "prepare").glob("people-*")
    searched = [path for name in ("results", ".snakemake") for path in (box.root / name).rglob("*") if path.is_file()]
    holds = {path.parent for path in searched if any(secret in path.read_bytes() for secret in secrets)}
    assert holds == {base}
    assert len(searched) > 30
    assert not any(secret.decode() in ran.output for secret in secrets[: len(PEOPLE) + len(rows)])
    answer = box.cli("affected", "--ids", str(file), "--json")
    assert not any(secret.decode() in answer.output for secret in secrets[: len(PEOPLE) + len(rows)])
    told = json.loads(answer.output)
    assert [one["addresses"] for one in told["affected"]["models"]] == [["tiny/original/11"]]
    assert [one["addresses"] for one in told["not_affected"]["models"]] == [["tiny/retrained/11"]]
