"""The guide's listings, written into files as they stand, are a study that runs and decides its claims."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from tests.pipeline.conftest import warm_folder
from tests.pipeline.sandbox import ROOT, Sandbox

__all__ = ["warm_folder"]
pytestmark = [pytest.mark.pipeline, pytest.mark.slow]
LISTING = re.compile(r"^```(python|yaml|csv)\n# (\S+?)(?::[^\n]*)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def guided(tmp_path: Path, warm_folder: dict[str, str]) -> Sandbox:
    """The project with the guide's files in place."""
    box = Sandbox.make(tmp_path / "project", environment=warm_folder)
    for kind, path, text in LISTING.findall((ROOT / "docs" / "add-a-study.md").read_text()):
        file = box.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "csv":
            text = file.read_text() + text
        else:
            assert not file.exists(), f"{path} is there already: the guide's example is no new study"
        file.write_text(text)
    (box.root / "config" / "config.yaml").write_text(yaml.safe_dump({"scale": "default", "studies": ["logistic-map"]}))
    return box


def test_the_listings_are_a_study(guided: Sandbox) -> None:
    smoke = guided.snakemake("logistic-map", "--config", "scale=smoke")
    assert smoke.code == 0, smoke.output
    ran = guided.snakemake("logistic-map")
    assert ran.code == 0, ran.output
    (node,) = [
        path for name, path in guided.nodes().items() if name.startswith("verdict/logistic-map") and _default(path)
    ]
    verdicts = {one["claim"]: one["verdict"] for one in json.loads((node / "verdicts.json").read_text())}
    assert verdicts == {"C1": "holds", "C2": "holds"}
    page = (guided.root / "results" / "report" / "studies" / "logistic-map.html").read_text()
    assert "A map of one variable is no tensor program." in page
    assert "no figure" not in page


def _default(node: Path) -> bool:
    return all(one["scale"] == "default" for one in json.loads((node / "verdicts.json").read_text()))
