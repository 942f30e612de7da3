"""The page of a real, tiny project: every state it can be in, and every number read back from the store."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from tests.pipeline.sandbox import STUDY, Sandbox

from neurosieve.artifacts.store import read_provenance

pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "report" / "pages.py")))
pytestmark = [pytest.mark.pipeline, pytest.mark.slow]


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A finished project: one study, and one whose only step fails."""
    made = Sandbox.make(tmp_path_factory.mktemp("site") / "project", environment={"NEUROSIEVE_WARM": "0"})
    made.write("tiny", STUDY | {"notes": {"field": "Toys", "pilot": "far was tried"}, "answer": ANSWER})
    ran = made.snakemake("--quiet")
    assert ran.code == 0, ran.output
    return made


ANSWER = "It falls from {accuracy forget original} to {accuracy forget drop}."


def report(box):
    ran = box.cli("report")
    assert ran.code == 0, ran.output
    return box.root / "results" / "report"


def study_page(box):
    return pages.read(report(box) / "studies" / "tiny.html")


def test_every_number_of_the_study_is_in_the_store(box):
    page = study_page(box)
    (folder,) = (box.root / "results" / "store" / "verdict").iterdir()
    tables = [
        pl.read_parquet(path) for path in (folder / "metrics.parquet", folder / "timings.parquet") if path.exists()
    ]
    table = pl.concat([one.select("variant", "target", "metric", "split", "at", "value") for one in tables])
    keys = ["variant", "target", "metric", "split", "at"]
    known = set(table["value"]) | set(table.group_by(keys).agg(pl.col("value").mean())["value"])
    assert pages.numbers(page.by_id("T1"))[0] == pytest.approx(_verdict(folder)["parts"][0]["left"])
    shown = pages.numbers(page.by_id("methods").parent.parent)
    assert shown
    for row in page.by_id("methods").parent.parent.all("tbody")[0].all("tr"):
        for cell in row.all("td"):
            if "ci" not in cell.attributes.get("class", ""):
                for value in pages.numbers(cell):
                    assert any(value == pytest.approx(one, rel=1e-8, abs=1e-12) for one in known), cell.text


def _verdict(folder):
    return json.loads((folder / "verdicts.json").read_text())[0]


def test_the_answer_and_the_notes_are_on_the_page(box):
    page = study_page(box)
    assert page.classed("say")[0].text.startswith("It falls from ")
    assert "{" not in page.classed("say")[0].text
    assert "Criterion written after a pilot." in page.by_id("T1").text
    assert "history not available (no git history here)" in page.by_id("T1").text


def test_provenance_lists_every_stage_by_variant(box):
    rows = study_page(box).by_id("provenance").parent.parent.all("tbody")[0].all("tr")
    names = {(row.all("td")[0].text, row.all("th")[0].text) for row in rows}
    assert {("train", "original"), ("train", "retrained"), ("intervene", "drop"), ("verdict", "tiny")} <= names
    assert all(row.all("td")[-1].text == "this run" for row in rows)
    counted = sum(int(row.all("td")[3].text) for row in rows)
    assert counted == len(box.nodes())


def test_what_ran_adds_up(box):
    page = pages.read(report(box) / "index.html")
    seconds = [read_provenance(path)["run"]["cpu_seconds"] for path in box.nodes().values()]
    facts = {one.all("dt")[0].text: one for one in page.classed("facts")[0].all("div")}
    assert pages.numbers(facts["CPU time"])[0] == pytest.approx(sum(seconds), abs=0.05)
    assert facts["Studies"].all("dd")[0].text == "1 of 1 complete"
    assert page.classed("luck")[0].text.endswith("would hold by luck.")


def test_a_changed_study_shows_no_old_numbers(box, tmp_path):
    changed = _copy(box, tmp_path)
    variants = {
        **STUDY["variants"],
        "drop": {**STUDY["variants"]["drop"], "unlearn": {"use": "unlearning.toy_drop", "far": 40}},
    }
    changed.write("tiny", STUDY | {"variants": variants})
    state = pages.read(report(changed) / "index.html").by_id("tiny").classed("state")[0].text
    assert state.startswith("changed since its last run")
    page = study_page(changed)
    (old,) = (path.name.rsplit("-", 1)[1] for path in (changed.root / "results/store/verdict").iterdir())
    notice = page.classed("notices")[0].text
    assert f"The last complete state was {old} of " in notice
    assert "snakemake tiny" in notice
    assert page.by_id("T1").classed("v")[0].text == "not decided"
    assert "drop" not in [row.all("th")[0].text.strip("■◆●▲") for row in page.classed("methods")[0].all("tr")[1:]]


def test_a_changed_criterion_keeps_its_old_verdict_in_a_list(box, tmp_path):
    changed = _copy(box, tmp_path)
    claim = STUDY["claims"][0]
    harder = claim | {"criterion": claim["criterion"] | {"right": 0.05}}
    changed.write("tiny", STUDY | {"claims": [harder]})
    old = _verdict(next((box.root / "results" / "store" / "verdict").iterdir()))
    text = study_page(changed).by_id("T1").text
    assert f"Earlier criterion: {old['hash'][:12]}, {old['verdict']}" in text


def test_an_incomplete_study_says_how_much_exists(box, tmp_path):
    partial = _copy(box, tmp_path)
    for stage in ("verdict", "evaluate"):
        for node in (partial.root / "results" / "store" / stage).iterdir():
            (node / "provenance.json").unlink()
    state = pages.read(report(partial) / "index.html").by_id("tiny").classed("state")[0].text
    left = len(partial.nodes())
    assert state == f"incomplete {left} of {len(box.nodes())} nodes exist"


def test_a_project_in_which_nothing_ran(tmp_path):
    fresh = Sandbox.make(tmp_path / "project", environment={"NEUROSIEVE_WARM": "0"})
    page = pages.read(report(fresh) / "index.html")
    assert page.all("h1")[0].text == "Nothing has run yet."


def _copy(box, tmp_path):
    import shutil

    shutil.copytree(box.root, tmp_path / "copy", symlinks=True)
    return Sandbox(tmp_path / "copy", box.environment)
