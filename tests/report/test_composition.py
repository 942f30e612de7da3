"""The composition page: orders and targets, leakage against retrained, the sparsest that is fast."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neurosieve.report import composition
from neurosieve.report.page import render
from neurosieve.report.state import FigureTitle, MetricRow

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
whole = SimpleNamespace(**runpy.run_path(str(HERE / "whole.py")))
pages = SimpleNamespace(**runpy.run_path(str(HERE / "pages.py")))


def found(**more):
    return composition.composed(sites.site(whole.study(**more)))


def values(study, variant, metric, split, target="native"):
    (row,) = [
        row
        for row in study.metrics
        if (row.variant, row.metric, row.split, row.target) == (variant, metric, split, target)
    ]
    return row.values


def test_every_setting_is_composed_from_its_chains():
    one, *others = found()
    assert len(others) == 3
    assert one.setting == "setting full-class"
    assert one.orders == ["forget, then prune", "forget, then prune, then tune", "prune, then forget"]
    assert one.targets == ["native", "onnx", "onnx-int8"]
    assert {step.variant.split("@")[0] for step in one.steps} == {"ssd", "ssd-pruned", "ssd-pruned-tuned", "pruned-ssd"}


def test_sparsity_is_measured_and_leakage_is_the_distance_from_retrained():
    study = whole.study()
    one = composition.composed(sites.site(study))[0]
    step = next(s for s in one.steps if s.variant.startswith("pruned-ssd@") and s.target == "onnx")
    assert step.sparsity == pytest.approx(1 - 3905 / 36024)
    ours = values(study, "pruned-ssd@setting=full-class", "mia_success", "forget", "onnx")
    theirs = values(study, "retrained@setting=full-class", "mia_success", "forget")
    assert step.leakage == pytest.approx({seed: abs(ours[seed] - theirs[seed]) for seed in whole.SEEDS})


def test_the_leakage_of_an_attack_takes_precedence():
    study = whole.study()
    rows = [
        MetricRow(variant=f"{name}@setting=full-class", metric="leakage", split="forget", values={11: v, 12: v})
        for name, v in (("retrained", 0.03), ("ssd", 0.1), ("ssd-pruned", 0.12))
    ]
    one = found(metrics=study.metrics + tuple(rows))[0]
    leak = {step.variant.split("@")[0]: step.leakage[11] for step in one.steps}
    assert leak == pytest.approx({"ssd": 0.1, "ssd-pruned": 0.12})
    assert one.reference_leakage == pytest.approx(0.03)


def test_an_export_slower_than_its_network_is_hollow_and_not_the_best():
    study = whole.study()
    slow = tuple(
        row.model_copy(update={"values": dict.fromkeys(whole.SEEDS, 1.5)}) if row.metric == "latency_ratio" else row
        for row in study.metrics
    )
    view = composition.page(found(metrics=slow))
    by_target = {row["target"]: row["none"] for row in view["best"] if row["setting"] == "setting full-class"}
    assert by_target["onnx"] == "none: every one is slower than its network"
    assert by_target["native"] == ""
    points = [p for f in view["figures"][:1] for panel in f.panels for p in panel.rows["points"]]
    assert {point["fast"] for point in points} == {True, False}


def test_the_best_row_shows_what_was_measured():
    study = whole.study()
    row = composition.page(found())["best"][0]
    leak = composition.composed(sites.site(study))[0]
    step = next(s for s in leak.steps if s.target == row["target"] and s.variant.split("@")[0] == row["variant"])
    assert f'value="{np.mean(list(step.leakage.values())):.10g}"' in str(row["leakage"])


def test_the_heading_is_the_finding_only_with_its_verdict():
    finding = FigureTitle(name="composition", title="It survives pruning", when={"S1": "holds"})
    other = finding.model_copy(update={"when": {"S1": "fails"}})
    assert composition.page(found(titles=(finding,)))["title"] == "It survives pruning"
    assert composition.page(found(titles=(other,)))["title"].endswith("?")


@pytest.mark.parametrize("more", [{"scale": "smoke"}, {"chains": {}}, {"metrics": ()}])
def test_without_chains_or_evidence_there_is_no_page(more, tmp_path):
    site = sites.site(whole.study(**more))
    assert composition.composed(site) == []
    render(site, tmp_path, tmp_path / "kept")
    assert not (tmp_path / "composition.html").exists()
    assert "composition.html" not in (tmp_path / "index.html").read_text()


def test_without_retrained_nothing_relative_to_it_is_shown():
    study = whole.study()
    alone = tuple(row for row in study.metrics if not row.variant.startswith("retrained"))
    assert found(metrics=alone) == []


def test_the_index_shows_the_first_row_without_a_script(tmp_path):
    render(sites.site(whole.study()), tmp_path, tmp_path / "kept")
    page = pages.read(tmp_path / "index.html")
    drawings = page.classed("static-chart")[0].all("svg", role="img")
    assert len(drawings) == 3
    assert all("leakage" in one.attributes["aria-label"] for one in drawings)
    assert "var(--role-method)" in (tmp_path / "index.html").read_text()


def test_one_setting_per_dataset_is_drawn_and_all_are_listed():
    view = composition.page(found())
    assert [one.sub.split("setting ")[1].rstrip(")") for one in view["figures"]] == 2 * ["full-class"] + 2 * ["digits"]
    assert view["rest"] == ["ssd setting sub-class", "ssd setting random"]
    assert {row["setting"] for row in view["best"]} == {f"setting {name}" for name in whole.SETTINGS}
