"""A study whose raw file is not on this machine: skipped, with what it needs; the others run and are shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import toys

from neurosieve.errors import AbsentError, UserError
from neurosieve.plan.project import Project
from neurosieve.report.page import render
from neurosieve.report.state import StudyState
from neurosieve.views import browse
from neurosieve.views.site import site_of
from neurosieve.views.written import missing_nodes, page_key
from neurosieve.workflow import Workflow

LACKING = toys.study(dataset={"use": "toy.points", "rows": 10, "shift_file": "data/shift.txt"})
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
    again = Project(made.root)
    again.source = toys.source()
    assert list(again.plans()) == ["lacking", "tiny"]
    assert again.skipped == {}
    assert page_key(again, again.plans(), missing_nodes(again.plans(), set())) != before


def test_the_tree_tells_it(made: Project) -> None:
    lines = list(browse.tree(made, None))
    assert lines[-1].startswith("lacking (default): skipped: ")


def test_the_workflow_runs_the_others_and_says_so_once(
    made: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Project, "source", toys.source())
    flow = Workflow(made.root, {})
    assert flow.all(None) == flow.all(None) == flow.study("tiny")(None)
    assert flow.all(None)[-1].startswith("results/report/shown-")
    err = capsys.readouterr().err
    assert err.count("neurosieve: lacking is skipped: ") == 1
    monkeypatch.setattr("os._exit", lambda code: (_ for _ in ()).throw(SystemExit(code)))
    with pytest.raises(SystemExit, match="1"):
        flow.study("lacking")(None)
    assert "neurosieve: error: " in capsys.readouterr().err


def test_garbage_keeps_what_a_skipped_study_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "source", toys.source())
    toys.project(tmp_path, {"lacking": LACKING, "tiny": toys.study(seeds=[11])})
    file = tmp_path / "data" / "shift.txt"
    file.parent.mkdir()
    file.write_text("0.5\n")
    project = Project(tmp_path)
    toys.run(project, "lacking")
    file.unlink()
    lines = list(browse.collect_garbage(Project(tmp_path), delete=True, scales=["default"]))
    assert lines[0].startswith("kept what lacking has, which is skipped: ")
    assert lines[-1].startswith("0 nodes, ")
