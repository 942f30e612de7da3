"""The certificate's page: what it says in each outcome, every number from the JSON, one file that prints."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.requests.certified import issued, study

from neurosieve.report.certificate import draw, drawing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SHA = "ab" * 32


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a second certificate: refused, after one that was not resolvable."""
    root = tmp_path_factory.mktemp("certificate") / "p"
    issued(root, study(0.59375))
    return issued(root, study(0.875)).certificate.folder


@pytest.fixture
def record(written: Path) -> dict[str, Any]:
    return copy.deepcopy(json.loads((written / "certificate.json").read_bytes()))


def text_of(record: dict[str, Any]) -> str:
    """The page's words, without markup."""
    page = draw(record, SHA).split("<main", 1)[1]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def numbers(value: Any) -> Iterator[float]:
    """Every number in a record, and how many things its lists hold."""
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        yield len(value)
        for one in value:
            yield from numbers(one)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def attacks(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for made in record["statement"]["delivered"] for file in made["evidence"] for one in file["attacks"]]


def retitled(record: dict[str, Any], outcome: str, attack: str | None) -> dict[str, Any]:
    """The same record with another outcome, and all attacks of one outcome."""
    said = record["statement"]
    said |= {"outcome": outcome, "status": outcome}
    for one in attacks(record):
        one["outcome"] = attack
    said["tests"] = dict.fromkeys(said["tests"], 0) | {"run": 4, attack or "tells nothing": 4}
    for made in said["delivered"]:
        for file in made["evidence"]:
            file["outcome"] = outcome
    return record


def test_a_refusal_says_what_was_found(record: dict[str, Any]) -> None:
    text = text_of(record)
    assert "Refused: a trace of the 10 rows of request R-1 was found in “tiny”" in text
    assert "4 of the 4 tests below found a trace" in text
    assert "certificate 1, an attempt at this request: not resolvable" in text


def test_no_trace_is_no_removal(record: dict[str, Any]) -> None:
    text = text_of(retitled(record, "no trace", "no trace"))
    assert "No trace of the 10 rows of request R-1 was found in “tiny”" in text
    assert "None of the 4 tests below, within their margins, found a trace" in text
    assert "evidence from tests, not a guarantee" in text
    assert "removed" not in text.lower()


@pytest.mark.parametrize("attack", ["not resolvable", None])
def test_what_could_not_be_told_is_no_statement(record: dict[str, Any], attack: str | None) -> None:
    text = text_of(retitled(record, "not resolvable", attack))
    assert "Not resolvable: whether a trace of the 10 rows of request R-1 is left in “tiny”" in text
    assert "4 of the 4 tests below could not tell. That is no statement that there is no trace." in text
    assert ("tells nothing" in text.split("In the pictures")[0]) is (attack is None)


def test_without_any_test_nothing_is_said(record: dict[str, Any]) -> None:
    for made in retitled(record, "not resolvable", None)["statement"]["delivered"]:
        for file in made["evidence"]:
            file["attacks"] = []
    record["statement"]["tests"]["run"] = 0
    assert "No test was run. Nothing is said about a trace, either way." in text_of(record)


def test_a_model_that_no_longer_works(record: dict[str, Any]) -> None:
    retitled(record, "refused", "no trace")["statement"]["delivered"][0]["evidence"][0]["works"] = False
    text = text_of(record)
    assert "Refused: after the 10 rows of request R-1, “tiny” no longer does its work" in text
    assert "no longer works" in text


def test_the_six_sentences_stand_on_it(record: dict[str, Any]) -> None:
    text = text_of(record)
    starts = ("Approximate unlearning is not erasure", "The rows themselves must be deleted", "Near-duplicates of")
    more = ("The tags above remain pseudonymous", "Devices that already run", "Other people’s data may")
    for start in (*starts, *more):
        assert start in text
    assert "A signature proves who signed which files, not that the evidence is true." in text
    assert "to be deleted on 2027-01-31" in text


def test_a_weaker_earlier_request_is_said_on_top(record: dict[str, Any]) -> None:
    said = retitled(record, "no trace", "no trace")["statement"]
    said["status"] = "not resolvable"
    said["earlier_requests"] = [
        {
            "number": 1,
            "sha256": SHA,
            "reference": "R-0",
            "outcome": "not resolvable",
            "status": "not resolvable",
            "again": [],
        }
    ]
    box = text_of(record).split("What was asked")[0]
    assert "began with the answer to request R-0 (certificate 1)" in box
    assert "no more can be said than: not resolvable" in box
    assert "its rows not attacked again" in text_of(record)


def test_what_was_deleted_is_listed(record: dict[str, Any]) -> None:
    assert "What was deleted" not in text_of(record)
    record["statement"]["purge"] = {"erased": "2 models", "stays": "a; b", "when": "2026-11-25"}
    assert "When2026-11-25Erased2 modelsStaysab" in text_of(record)
    assert "<dd>a<br>b</dd>" in draw(record, SHA)


def test_every_number_is_in_the_json(written: Path, record: dict[str, Any]) -> None:
    page = (written / "index.html").read_text()
    shown = [float(one) for one in re.findall(r'<data value="([^"]+)">', page)]
    known = set(numbers(record)) | {record["number"] - 1}
    known |= {(one["null_low"] + one["null_high"]) / 2 for one in attacks(record)}
    assert len(shown) > 40
    assert [value for value in shown if not any(abs(value - one) <= 1e-9 * max(1, abs(one)) for one in known)] == []


def test_every_hash_is_in_the_json(written: Path) -> None:
    page = (written / "index.html").read_text()
    known = (written / "certificate.json").read_text()
    hashes = set(re.findall(r"\b[0-9a-f]{64}\b", page))
    assert len(hashes) > 5
    assert sum(one not in known for one in hashes) == 1  # that of the JSON itself


def test_the_same_record_gives_the_same_bytes(written: Path, record: dict[str, Any]) -> None:
    page = (written / "index.html").read_text()
    sha = re.findall(r"[0-9a-f]{64}", page)[-1]
    assert draw(record, sha) == page
    assert f'content="{drawing()}"' in page
    assert len(page.encode()) < 80_000


def test_names_are_escaped(record: dict[str, Any]) -> None:
    record["statement"]["request"]["reference"] = "<script>alert(1)</script>"
    record["statement"]["delivered"][0]["steps"][0]["component"] = "training.<b>"
    assert "<script" not in draw(record, SHA)
    assert "<b>&lt;b&gt;</b>" in draw(record, SHA)


def absent(what: str) -> None:
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{what} is needed on CI")
    pytest.skip(f"{what} is not here")


@pytest.mark.slow
def test_in_a_browser(written: Path, tmp_path: Path) -> None:
    """It asks for nothing, has no accessibility violation, never scrolls sideways, and is at most three sheets."""
    package = importlib.util.find_spec("axe_playwright_python")
    if CHROMIUM is None or package is None or package.origin is None:
        absent("Chromium or the package axe-playwright-python")
    from playwright.sync_api import sync_playwright

    axe = Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for width, scheme in ((1280, "light"), (390, "dark")):
            page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(f"file://{written / 'index.html'}")
            assert asked == [f"file://{written / 'index.html'}"]
            page.evaluate(axe)
            found = page.evaluate("axe.run({preload: false})")["violations"]
            assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.pdf(path=str(tmp_path / "sheet.pdf"), prefer_css_page_size=True)
        browser.close()
    sheets = len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "sheet.pdf").read_bytes()))
    assert 1 <= sheets <= 3
