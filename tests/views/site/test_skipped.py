"""A study whose raw file is not on this machine: skipped, with what it needs; the others run and are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests import toys
from tests.pipeline.sandbox import Sandbox

from neurosieve.errors import AbsentError, UserError
from neurosieve.plan.project import Project
from neurosieve.report.page import render
from neurosieve.report.state import StudyState
from neurosieve.views import browse
from neurosieve.views.site import site_of
from neurosieve.views.written import missing_nodes, page_key

LACKING = toys.study(dataset={"use": "toy.points", "rows": 10, "shift_file": "data/shift.txt"})
PAGES = ("index.html", "studies/tiny.html")
SAYS = r"lacking\.yaml:\d+: toy\.points: shift_file: no file data/shift\.txt; put it there"


@pytest.fixture
def made(tmp_path: Path) -> Project:
    return toys.project(tmp_path / "p", {"lacking": LACKING, "tiny": toys.study()})


def shown(project: Project) -> dict[str, StudyState]:
    plans = project.plans()
    return {study.slug: study for study in site_of(project, plans, project.store.present()).studies}


def test_the_others_are_planned_and_the_page_says_what_is_needed(made: Project, tmp_path: Path) -> None:
    assert list(made.plans()) == ["tiny"]
    assert list(made.skipped) == ["lacking"]
    studies = shown(made)
    assert {slug: study.state for slug, study in studies.items()} == {"lacking": "skipped", "tiny": "not run"}
    assert [(claim["claim"], claim["verdict"]) for claim in studies["lacking"].claims] == [("T1", "not decided")]
    render(site_of(made, made.plans(), set()), tmp_path / "out")
    index, own = ((tmp_path / "out" / name).read_text() for name in ("index.html", "studies/lacking.html"))
    for text in (index, own):
        assert "skipped" in text
        assert "no file data/shift.txt" in text
        assert "snakemake lacking" in text


def test_asked_for_by_name_it_is_an_error(made: Project) -> None:
    for asked in (lambda: made.plans(["lacking"]), lambda: list(browse.tree(made, "lacking"))):
        with pytest.raises(AbsentError, match=SAYS):
            asked()
    with pytest.raises(UserError, match=SAYS):
        browse.find_node(made, "lacking/drop/11")
    assert browse.find_node(made, "tiny/drop/11")[1].stage == "intervene"


def test_where_nothing_else_can_run_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AbsentError, match=SAYS):
        toys.project(tmp_path, {"lacking": LACKING}).plans()


def test_other_mistakes_still_stop_everything(tmp_path: Path) -> None:
    wrong = toys.study(dataset={"use": "toy.points", "rows": "many"})
    with pytest.raises(UserError, match="rows") as caught:
        toys.project(tmp_path, {"wrong": wrong, "tiny": toys.study()}).plans()
    assert not isinstance(caught.value, AbsentError)


def test_with_its_file_it_is_planned_and_the_page_has_another_key(made: Project) -> None:
    before = page_key(made, made.plans(), missing_nodes(made.plans(), set()))
    (made.root / "data").mkdir()
    (made.root / "data" / "shift.txt").write_text("0.5\n")
    again = toys.again(made.root)
    assert list(again.plans()) == ["lacking", "tiny"]
    assert again.skipped == {}
    assert page_key(again, again.plans(), missing_nodes(again.plans(), set())) != before


def test_the_tree_tells_it(made: Project) -> None:
    lines = list(browse.tree(made, None))
    assert lines[-1].startswith("lacking (default): skipped: ")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    """A project after a run of everything: one study lacks its file, another one a target's runtime."""
    tiny = toys.study(targets={"drop": ["toy", "toy-elsewhere"]})
    tiny["claims"] = [tiny["claims"][0], ELSEWHERE]
    made = Sandbox.make(
        tmp_path_factory.mktemp("skipped") / "project", {"lacking": LACKING, "tiny": tiny}, {"NEUROSIEVE_WARM": "0"}
    )
    ran = made.snakemake("--quiet")
    assert ran.code == 0, ran.output
    assert ran.output.count("neurosieve: lacking is skipped: ") == 1
    assert ran.output.count(f"neurosieve: tiny: target toy-elsewhere is skipped: {NEEDS}") == 1
    return made


NEEDS = "needs no_such_runtime, not installed here: pip install no_such_runtime"
ELSEWHERE = {
    "id": "T2",
    "says": "It forgets there too.",
    "paper": "none",
    "metrics": ["accuracy"],
    "variants": ["drop"],
    "criterion": {
        "left": {"metric": "accuracy", "split": "forget", "of": "drop", "target": "toy-elsewhere"},
        "is": "at_most",
        "right": 0.1,
    },
}
real = [pytest.mark.pipeline, pytest.mark.slow]


class TestRealRun:
    pytestmark = real

    def test_the_others_ran_and_are_shown(self, box: Sandbox) -> None:
        index, tiny = ((box.root / "results" / "report" / name).read_text() for name in PAGES)
        assert "no file data/shift.txt" in index
        assert tiny.count(NEEDS) == 2  # under its target, and as what keeps T2 from being decided
        record = json.loads((box.root / "results" / "metrics" / "tiny.json").read_text())
        assert record["claims"] == {"T1": "holds", "T2": "not decided"}
        assert any(row.endswith(" on toy") for row in record["metrics"])
        told = box.cli("plan", "tiny")
        assert (told.code, f"  target toy-elsewhere is skipped: {NEEDS}" in told.output) == (0, True)

    def test_a_study_asked_for_by_name_is_an_error(self, box: Sandbox) -> None:
        ran = box.snakemake("-n", "lacking")
        assert ran.code == 1
        assert "neurosieve: error: config/studies/lacking.yaml" in ran.output

    def test_garbage_keeps_what_a_skipped_study_has(self, box: Sandbox) -> None:
        file = box.root / "data" / "shift.txt"
        file.parent.mkdir()
        file.write_text("0.5\n")
        assert box.snakemake("lacking", "--quiet").code == 0
        file.unlink()
        ran = box.cli("gc", "--scale", "default", "--delete")
        assert ran.code == 0, ran.output
        assert "kept what lacking has, which is skipped: " in ran.output
        assert ran.output.splitlines()[-1].startswith("0 nodes, ")

    def test_a_target_asked_for_by_name_is_an_error(self, box: Sandbox) -> None:
        config = box.root / "config" / "config.yaml"
        before = config.read_text()
        config.write_text(before.replace("tiny", "tiny\ntargets: [toy-elsewhere]\n#"))
        ran = box.snakemake("-n", "tiny")
        config.write_text(before)
        assert ran.code == 1
        assert f"target 'toy-elsewhere' {NEEDS}" in ran.output


def test_a_target_that_lacks_its_runtime_changes_no_other_key(tmp_path: Path) -> None:
    without, beside = (
        toys.planned(tmp_path / name, toys.study(targets={"drop": targets}))
        for name, targets in (("without", ["toy"]), ("beside", ["toy", "toy-elsewhere"]))
    )
    assert set(beside.nodes) - {beside.verdict} == set(without.nodes) - {without.verdict}
    assert beside.lacking == {"toy-elsewhere": {"reason": NEEDS, "variants": ["drop"]}}
    assert without.lacking == {}


def test_the_page_shows_what_was_left_out(tmp_path: Path) -> None:
    made = toys.project(tmp_path / "p", {"tiny": toys.study(targets={"drop": ["toy-elsewhere"]})})
    (study,) = shown(made).values()
    assert [(row.target, row.missing) for row in study.targets] == [("toy-elsewhere", NEEDS)]
