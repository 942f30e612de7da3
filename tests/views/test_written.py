"""Views: derived from the store, stamped with the state they show, written aside and renamed."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from tests import toys

from neurosieve.plan.project import Project
from neurosieve.views.verdict_table import verdict_table
from neurosieve.views.written import certificate_key, missing_nodes, page_key, stamp_certificate, write_views


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


def test_certificates_are_copied_beside_the_page_and_listed(made: Project) -> None:
    folder = made.store.results / "certificates" / "0001-tiny-R-1"
    folder.mkdir(parents=True)
    (folder / "certificate.json").write_text("{}")
    (folder / "index.html").write_text("<p>a certificate</p>")
    page = write_views(made)
    assert (page.parent / "certificates" / "0001-tiny-R-1.html").read_text() == "<p>a certificate</p>"
    assert "its file was changed or cannot be read; `neurosieve verify` says what is wrong" in page.read_text()


def test_a_certificate_is_stamped_with_its_latest_state_alone(made: Project) -> None:
    for slug, key in (("tiny", "a" * 16), ("tiny-two", "b" * 16), ("tiny", "c" * 16)):
        stamp_certificate(made.store, slug, key)
    stamps = sorted(path.name for path in (made.store.results / "certificates" / ".stamps").iterdir())
    assert stamps == [f"tiny-two@{'b' * 16}", f"tiny@{'c' * 16}"]


def test_the_key_of_a_certificate_follows_what_is_asked_and_what_is_found(tmp_path: Path) -> None:
    def key_of(name: str, certify: dict[str, object] | None, scale: str | None = None, **more: object) -> str | None:
        content = toys.study(seeds=[11], claims=[], scales={}, **({"certify": certify} if certify else {}), **more)
        return certificate_key(toys.planned(tmp_path / name, content, scale))

    asked: dict[str, object] = {"variants": ["drop"], "before": "original"}
    assert key_of("a", None) is None
    assert key_of("b", asked, "smoke") is None
    first = key_of("c", asked)
    assert key_of("d", asked) == first
    assert key_of("e", {**asked, "retention": "2027-01-31"}) != first
    assert key_of("f", asked, evaluate=[{"use": "toy_accuracy", "sleep": 0.001}]) != first
