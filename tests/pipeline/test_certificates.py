"""A run of real Snakemake ends in a certificate: one per result, none where nothing changed, refusals included."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.sandbox import STUDY, Sandbox

pytestmark = pytest.mark.pipeline


def study(found: float) -> dict[str, Any]:
    """The tiny study at one seed, whose attack finds this much; `drop` and its export are certified."""
    asked = {"variants": ["drop"], "before": "original", "reference": "R-2026-01", "retention": "2027-01-31"}
    evidence = {"use": "toy_evidence", "found": found, "of": ["drop"]}
    changes = {
        "seeds": [11],
        "claims": [],
        "scales": {},
        "certify": asked,
        "evaluate": [{"use": "toy_accuracy"}, evidence],
    }
    return {**copy.deepcopy(STUDY), **changes}


def test_a_new_result_appends_a_certificate_and_a_known_one_none(tmp_path: Path, warm_folder: dict[str, str]) -> None:
    box = Sandbox.make(tmp_path / "p", {"tiny": study(0.5)}, warm_folder)
    folder = box.root / "results" / "certificates"
    first = box.snakemake("tiny")
    assert first.code == 0, first.output
    assert [path.name for path in folder.glob("0*")] == ["0001-tiny-R-2026-01"]
    assert box.todo() == set()

    box.write("tiny", study(0.875))
    second = box.snakemake("tiny")
    assert second.code == 0, second.output  # a refusal is a finding, no error
    written = [json.loads((path / "certificate.json").read_bytes()) for path in sorted(folder.glob("0*"))]
    assert [one["statement"]["title"] for one in written] == ["No trace was found", "Refused"]
    assert [one["number"] for one in written[1]["statement"]["attempts"]] == [1]
    index = (box.root / "results" / "report" / "index.html").read_text()
    for path in folder.glob("0*"):
        assert f'href="certificates/{path.name}.html"' in index
        assert (box.root / "results" / "report" / "certificates" / f"{path.name}.html").is_file()
    checked = box.cli("verify", str(folder / "0002-tiny-R-2026-01" / "certificate.json"), "--store")
    assert checked.code == 0, checked.output
    assert checked.output.startswith("intact, signer unknown\n")
