"""The page "Where did the time go?": drawn where costs are known, its chart from the numbers beside it."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.report import time
from neurosieve.report.page import render
from neurosieve.report.state import Cost

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
pages = SimpleNamespace(**runpy.run_path(str(HERE / "pages.py")))


def test_chart_tables_and_sums_are_the_costs(tmp_path):
    site = sites.several()
    render(site, tmp_path, tmp_path / "kept")
    page = pages.read(tmp_path / "time.html")
    (spec,) = pages.specs(page).values()
    assert [(row["name"], row["value"]) for row in spec["datasets"]["bars"]] == [
        ("granet · train", 3698),
        ("ssd · train", 60.41),
        ("ssd · evaluate", 10.73),
    ]
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"][1] > 3698.25
    lede = page.classed("lede")[0]
    assert pages.numbers(lede) == pytest.approx([92, 3769.394, 3793.59])
    rows = [" ".join(cell.text for cell in row.all("th", "td")) for row in page.all("tr")]
    assert "granet train 3 1 h 2 min 1 h 1 min –" in rows
    assert "ssd/original/12 train resnet9-backprop-30ea82ae72b0d630 7.1 s 7.1 s 465" in rows


def test_one_study_is_not_named_at_every_bar_and_a_long_list_is_cut():
    only = sites.several().model_copy(update={"costs": sites.costs()[:2]})
    assert [row["name"] for row in time.page(only)["figure"].panels[0].rows["bars"]] == ["train", "evaluate"]
    many = tuple(
        Cost(study=f"s{i}", stage="train", nodes=1, wall_seconds=i, cpu_seconds=i, peak_memory_mb=1) for i in range(20)
    )
    view = time.page(only.model_copy(update={"costs": many}))
    drawn = view["figure"].panels[0].rows["bars"]
    assert [row["name"] for row in drawn] == [f"s{19 - i} · train" for i in range(time.DRAWN)]
    assert len(view["rows"]) == 20


def test_no_costs_no_page(tmp_path):
    render(sites.site(sites.study()), tmp_path, tmp_path / "kept")
    assert not (tmp_path / "time.html").exists()
    assert "time.html" not in (tmp_path / "index.html").read_text()
