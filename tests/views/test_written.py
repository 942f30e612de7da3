"""Views: derived from the store, stamped with the state they show, written aside and renamed."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests import toys

from neurosieve.plan.project import Project
from neurosieve.views.verdict_table import verdict_table
from neurosieve.views.written import missing_nodes, page_key, write_views


def stamps(made: Project) -> list[str]:
    return [path.name for path in (made.store.results / "report").glob("shown-*")]


def key(made: Project, **more) -> str:
    plans = made.plans()
    return page_key(made, plans, missing_nodes(plans, made.store.present()), **more)


def test_page_links_and_tables(made: Project) -> None:
    page = write_views(made)
    results = made.store.results
    assert page == results / "report" / "index.html"
    assert (results / "report" / "studies" / "tiny.html").is_file()
    plan = made.plan("tiny")
    links = {str(path.relative_to(results / "studies")): path for path in (results / "studies").rglob("seed*")}
    assert set(links) == {f"tiny/{c.variant}/seed{c.seed}{'' if c.target == 'native' else '-toy'}" for c in plan.cells}
    drop = toys.model_node(plan, "drop", 12)
    assert links["tiny/drop/seed12"].resolve() == made.store.path(drop.folder).resolve()
    assert not links["tiny/drop/seed12"].readlink().is_absolute()
    assert pl.read_parquet(results / "verdicts.parquet")["claim"].to_list() == ["T1"]
    flat = json.loads((results / "metrics" / "tiny.json").read_text())
    assert flat["claims"] == {"T1": "holds"}
    assert flat["metrics"]["drop"]["accuracy forget"] == 0
    assert flat["metrics"]["drop on toy"]["accuracy forget"] == 0
    table = pl.read_csv(results / "metrics" / "tiny.csv")
    assert table.columns == ["variant", "target", "metric", "split", "at", "seed", "value"]
    assert len(table) == len(toys.metrics(made, plan))
    assert list(made.store.work.glob("job-*")) == []


def test_only_the_latest_stamp_is_there(made: Project) -> None:
    first = key(made)
    write_views(made)
    assert stamps(made) == [f"shown-{first}"]
    write_views(made, "asked-for")
    assert stamps(made) == ["shown-asked-for"]


def test_second_writing_changes_no_table(made: Project) -> None:
    write_views(made)
    names = ("metrics/tiny.json", "metrics/tiny.csv")
    before = [(made.store.results / name).stat().st_mtime_ns for name in names]
    page = (made.store.results / "report" / "index.html").read_bytes()
    write_views(made)
    assert [(made.store.results / name).stat().st_mtime_ns for name in names] == before
    assert (made.store.results / "report" / "index.html").read_bytes() == page


def test_key_of_the_page_is_its_state(made: Project) -> None:
    complete = key(made)
    assert key(toys.again(made.root)) == complete
    plan = made.plan("tiny")
    node = toys.model_node(plan, "drop", 12)
    made.store.bury(made.store.path(node.folder))
    lacking = key(made)
    assert lacking != complete
    assert key(made, assume={"tiny"}) == complete
    made.store.failure(node.key).write("it ran dry")
    assert key(made) not in (lacking, complete)
    made.store.failure(node.key).clear()
    assert key(made) == lacking
    made.store.failure("f" * 16).write("of a node that no study has")
    assert key(made) == lacking


def test_incomplete_study_is_drawn_as_it_stands(made: Project) -> None:
    plan = made.plan("tiny")
    for node in (plan.nodes[plan.verdict], toys.model_node(plan, "drop", 12)):
        made.store.bury(made.store.path(node.folder))
    write_views(made)
    results = made.store.results
    assert not (results / "studies" / "tiny" / "drop" / "seed12").exists()
    assert (results / "studies" / "tiny" / "drop" / "seed11").exists()
    assert not (results / "verdicts.parquet").exists()
    assert "incomplete" in (results / "report" / "index.html").read_text()


def test_a_figure_that_draws_nothing_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = {"name": "depth", "metric": "accuracy", "x": "depth"}
    made, _ = toys.ran(tmp_path, toys.study(figures=[figure]))
    page = write_views(made).with_name("studies") / "tiny.html"
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    why = "depth: accuracy has no axis depth; it has "
    assert line.startswith(f"warning: config/studies/tiny.yaml: no figure {why}")
    assert why in page.read_text()
    verdict_table(made, ("tiny",))
    assert f"warning: config/studies/tiny.yaml: no figure {why}" in capsys.readouterr().out


def test_nothing_computed_is_a_page_too(tmp_path: Path) -> None:
    made = toys.project(tmp_path)
    assert write_views(made).is_file()
    assert stamps(made) == [f"shown-{key(made)}"]


def test_smoke_scale_writes_no_flat_metrics(tmp_path: Path) -> None:
    made = toys.project(tmp_path, scale="smoke")
    toys.run(made)
    write_views(made)
    assert (made.store.results / "verdicts.parquet").exists()
    assert not (made.store.results / "metrics").exists()


def test_failing_page_leaves_the_old_one(made: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    write_views(made)
    before = stamps(made)

    def broken(*arguments: object) -> None:
        raise RuntimeError("no page today")

    monkeypatch.setattr("neurosieve.report.page.render", broken)
    with pytest.raises(RuntimeError):
        write_views(made, "another")
    assert stamps(made) == before
    assert list(made.store.work.glob("job-*")) == []


def test_study_that_is_assumed_complete_brings_what_it_shares(tmp_path: Path) -> None:
    """Else the page of a run would be another one than that of the state it leaves."""
    second = toys.bare({"base": toys.ORIGINAL}, seeds=[11, 12, 13])
    made = toys.project(tmp_path, {"tiny": toys.study(), "second": second})
    expected = key(made, assume={"second"})
    toys.run(made, "second")
    assert key(made) == expected


def test_other_claims_are_another_page(made: Project) -> None:
    made.plans()
    toys.project(made.root, {"tiny": toys.study(claims=[])})
    other = toys.again(made.root)
    assert key(other, assume={"tiny"}) != key(made, assume={"tiny"})
