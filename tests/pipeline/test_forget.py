"""A request, answered: one command repairs what was shipped, exports it again, certifies it; one more erases."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = pytest.mark.pipeline
GONE = ["train-0003", "train-0007", "test-0004"]
IDS = ("--ids", "data/requests/R-1.csv", "--method", "toy_drop")
OWN: dict[str, Any] = {
    **copy.deepcopy(STUDY),
    "seeds": [11],
    "variants": {
        "original": STUDY["variants"]["original"],
        "shift": {"from": "original", "adapt": {"use": "adaptation.toy_shift", "by": 1}},
    },
    "targets": {"shift": ["toy"]},
    "evaluate": [{"use": "toy_accuracy"}, {"use": "toy_evidence"}],
    "claims": [],
    "scales": {},
}


def test_request_to_certificate(tmp_path: Path, warm_folder: dict[str, str]) -> None:
    box = Sandbox.make(tmp_path / "p", {"own": OWN}, warm_folder)
    first = box.snakemake("own")
    assert first.code == 0, first.output
    path = box.root / "data" / "requests" / "R-1.csv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(["sample_id", *GONE]) + "\n")

    ran = box.cli("forget", *IDS, "--run")
    assert ran.code == 0, ran.output
    assert "original-R-1: forgets the rows by unlearning.toy_drop, from original" in ran.output
    assert "shift-R-1: adaptation.toy_shift replayed from original-R-1" in ran.output
    assert "shift-R-1: exported again (toy)" in ran.output
    (folder,) = (box.root / "results" / "certificates").glob("0*")
    assert folder.name == "0001-own-r-1-R-1"
    told = json.loads((folder / "certificate.json").read_bytes())["statement"]
    assert (told["request"]["rows"], told["purge"]) == ({"test": 1, "train": 2}, None)
    (delivered,) = told["delivered"]
    assert [one["target"] for one in delivered["exports"]] == ["toy"]
    before = [one for one in box.nodes() if one.endswith(delivered["before"]["node"])]
    assert (box.root / "results" / "store" / before[0] / "model.safetensors").is_file()

    purged = box.cli("forget", *IDS, "--purge", "--yes")
    assert purged.code == 0, purged.output
    assert "0002-own-r-1-R-1" in purged.output
    assert not (box.root / "results" / "store" / before[0] / "model.safetensors").exists()
    after = box.root / "results" / "store" / delivered["after"]["folder"]
    assert (after / "model.safetensors").is_file()
    said = json.loads((box.root / "results" / "certificates" / "0002-own-r-1-R-1" / "certificate.json").read_bytes())
    assert said["statement"]["purge"]["request"] == "R-1"
    assert box.todo("own-r-1") == set()
