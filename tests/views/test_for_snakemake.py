"""Files for Snakemake's own report: the same pages with their style inside, and a table of verdicts per study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests import toys

from neurosieve.errors import UserError
from neurosieve.report.state import Site
from neurosieve.views.for_snakemake import write_for_snakemake
from neurosieve.views.written import missing_nodes, page_key, write_views


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drawn page of a finished study with a claim and of one without."""
    folder = tmp_path_factory.mktemp("views") / "p"
    toys.ran(folder, toys.study(question="Do <tiny> & odd centres forget?"))
    project = toys.again(folder)
    plans = project.plans()
    key = page_key(project, plans, missing_nodes(plans, project.store.present()))
    page = write_views(project, copies=True)
    assert (page.parent / f"shown-{key}").exists()
    (made,) = page.parent.glob("snakemake-*")
    assert made.name == f"snakemake-{key}", "of the state that the stamp says"
    return page.parent


def made(report: Path) -> Path:
    (folder,) = report.glob("snakemake-*")
    return folder


def test_pages_are_the_same_with_their_style_inside(report: Path) -> None:
    pages = made(report) / "pages"
    css = (report / "assets" / "neurosieve.css").read_text()
    found = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*") if path.is_file())
    drawn_too = [
        path for path in report.rglob("*") if path.suffix in (".html", ".js") and made(report) not in path.parents
    ]
    assert found == sorted(path.relative_to(report).as_posix() for path in drawn_too)
    assert {"index.html", "studies/tiny.html", "assets/report.js", "assets/vega.js"} <= set(found)
    for name in (name for name in found if name.endswith(".html")):
        text, drawn = (pages / name).read_text(), (report / name).read_text()
        assert 'rel="stylesheet"' not in text
        before, style, after = text.partition(f"<style>{css}</style>")
        assert style
        assert drawn.startswith(before)
        assert drawn.endswith(after)
        assert len(drawn) - len(before) - len(after) < 80, "one link has gone, and nothing else"
    for name in ("report.js", "vega.js"):
        assert (pages / "assets" / name).samefile(report / "assets" / name), "no second copy"


def test_the_verdicts_of_a_study(report: Path) -> None:
    (table,) = (made(report) / "verdicts").iterdir()
    assert table.name == "tiny.html"
    text = table.read_text()
    assert "Do &lt;tiny&gt; &amp; odd centres forget?" in text
    assert "<tr><th>T1</th><td>Dropping forgets the class.</td><td>holds</td>" in text
    assert "accuracy forget drop at most 0.1</td></tr>" in text


def test_a_study_without_claims_has_no_table_of_verdicts(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    (drawn / "assets").mkdir(parents=True)
    (drawn / "assets" / "neurosieve.css").write_text("p {}")
    (drawn / "index.html").write_text('<link rel="stylesheet" href="assets/neurosieve.css">')
    write_for_snakemake(Site(), drawn, tmp_path / "out")
    assert list((tmp_path / "out" / "verdicts").iterdir()) == []
    assert (tmp_path / "out" / "pages" / "index.html").read_text() == "<style>p {}</style>"


def test_a_page_that_names_its_style_otherwise_is_an_error(report: Path, tmp_path: Path) -> None:
    shutil.copytree(report, tmp_path / "drawn")
    page = tmp_path / "drawn" / "studies" / "tiny.html"
    page.write_text(page.read_text().replace("../assets/neurosieve.css", "other.css"))
    with pytest.raises(UserError, match=r"tiny\.html: the page has no <link"):
        write_for_snakemake(Site(), tmp_path / "drawn", tmp_path / "out")
