"""Snakemake's own report over the full plan of a finished project: captions, categories, pages that hang together."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.sandbox import Sandbox

pytestmark = pytest.mark.pipeline
FULL = ("--config", "plan=full")


def embedded(html: str, name: str) -> Any:
    """A JSON value that the report's script holds under a name."""
    *_, found = re.finditer(rf"^\s*var {name} = ", html, re.MULTILINE)  # libraries before it may use the same name
    return json.JSONDecoder().raw_decode(html, found.end())[0]


def results(html: str) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Entries of a report by category, subcategory and file name."""
    files = embedded(html, "results")
    return {
        (category, subcategory, files[path]["name"]): files[path]
        for category, inner in embedded(html, "categories").items()
        for subcategory, paths in inner.items()
        for path in paths
    }


WANTED = {
    ("all studies", "report", "index.html"),
    ("all studies", "scripts of the pages", "report.js"),
    ("all studies", "scripts of the pages", "vega.js"),
    ("tiny", "report", "tiny.html"),
    ("tiny", "verdict", "tiny.html"),
}


def test_a_report_as_zip_holds_the_pages_with_their_links(project: Sandbox) -> None:
    before = project.nodes()
    ran = project.snakemake("--report", "report.zip", *FULL)
    assert ran.code == 0, ran.output
    archive = zipfile.ZipFile(project.root / "report.zip")
    html = archive.read("report/report.html").decode()
    found = results(html)
    assert set(found) >= WANTED
    assert {one[:2] for one in set(found) - WANTED} <= {("all studies", "report")}, "pages over all studies"
    assert "data → network → sieve → device → evidence" in embedded(html, "workflow_desc")
    page, verdict = found["tiny", "report", "tiny.html"], found["tiny", "verdict", "tiny.html"]
    assert "The page of the study <em>tiny</em>" in page["caption"]
    assert "claims of the study <em>tiny</em> at default" in " ".join(verdict["caption"].split())
    assert "The ledger: what ran at default scale" in found["all studies", "report", "index.html"]["caption"]
    assert page["labels"] == {"shows": "the study's page"}
    assert verdict["labels"] == {"shows": "verdicts of the claims"}
    assert "<tr><th>T1</th>" in archive.read(f"report/{verdict['data_uri']}").decode()
    text, names = archive.read(f"report/{page['data_uri']}").decode(), set(archive.namelist())
    folder = Path("report", page["data_uri"]).parent
    for target in re.findall(r'(?:href|src)="(\.\./[^"#]+)', text):
        assert (folder.parent / target.removeprefix("../")).as_posix() in names, f"{target} leads nowhere"
    assert embedded(html, "runtimes_spec")["data"]["values"], "Snakemake's own records of what ran"
    assert project.nodes() == before
    assert project.todo() == project.todo(*FULL) == set()


def test_a_report_as_one_file_holds_the_same(project: Sandbox) -> None:
    ran = project.snakemake("--report", "report.html", *FULL)
    assert ran.code == 0, ran.output
    found = results((project.root / "report.html").read_text())
    assert set(found) >= WANTED
    assert {one[:2] for one in set(found) - WANTED} <= {("all studies", "report")}, "pages over all studies"
    assert all(one["data_uri"].startswith("data:") for one in found.values())


def test_a_page_drawn_by_hand_gets_its_copies_when_the_report_is_asked_for(project: Sandbox) -> None:
    assert project.cli("report").code == 0
    page = project.root / "results" / "report"
    assert not list(page.glob("snakemake-*")), "they weigh several times what the page does"
    assert project.todo() == project.todo(*FULL) == set()
    ran = project.snakemake("--report", "report.zip", *FULL)
    assert ran.code == 0, ran.output
