"""Figures are drawn from the metric rows: marks where the numbers are, the numbers beside them."""

import base64
import io
import runpy
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from neurosieve.report import figures, rows, svg
from neurosieve.report.state import MetricRow, Samples

sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sites.py"))))
pages = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("pages.py"))))


def drawing(figure, tmp_path, panel=0):
    path = tmp_path / "figure.html"
    path.write_text(str(figure.panels[panel][1]), encoding="utf-8")
    return pages.read(path)


def uses(tree, name):
    return [one for one in tree.all("use") if one.attributes["href"] == f"#m-{name}"]


def across(element):
    return float(element.attributes["x"].rstrip("%"))


def test_the_forgetting_map_puts_marks_where_the_numbers_are(tmp_path):
    figure = figures.study_figures(sites.study())[0]
    assert figure.name == "map"
    tree = drawing(figure, tmp_path)
    (method,) = uses(tree, "method")
    assert across(method) == pytest.approx(100 * np.mean((0.0123, 0.0411, 0.0)), abs=0.006)
    assert sorted(across(one) for one in uses(tree, "method-small"))[-1] == pytest.approx(4.11)
    (kept,), (gone,) = uses(tree, "original"), uses(tree, "retrained")
    # nearly the same share kept: nearly the same height, far apart across
    assert abs(float(kept.attributes["y"]) - float(gone.attributes["y"])) < 3
    assert across(kept) - across(gone) > 90
    assert len(uses(tree, "baseline")) == 4
    assert len(uses(tree, "method-hollow")) == 1  # ssd-zero varies the method


def test_numbers_behind_a_figure_are_those_of_the_view_model():
    figure = figures.study_figures(sites.study())[0]
    body = {str(row[0]): row for row in figure.body}
    assert 'value="0.0411"' in str(body["ssd"][2])
    assert 'value="0.9241"' in str(body["ssd"][4])


def test_cost_is_drawn_on_a_log_axis_from_dear_to_cheap(tmp_path):
    figure = next(one for one in figures.study_figures(sites.study()) if one.name == "cost")
    tree = drawing(figure, tmp_path)
    labels = [one.children[0] for one in tree.all("text") if one.children and one.children[0] in sites.MEASURED]
    assert labels == ["retrained", "finetune", "amnesiac", "unsir", "bad-teacher", "ssd", "ssd-zero"]
    (dear,), (cheap,) = uses(tree, "retrained"), uses(tree, "method")
    # the ends of the axis are whole decades around the values
    scale = svg.logarithmic([0.0287, 10.104])
    assert (scale.low, scale.high) == (0.01, 100)
    assert across(cheap) == pytest.approx(100 * (np.log10(np.mean((0.0312, 0.0287, 0.0299))) + 2) / 4, abs=0.006)
    assert across(dear) == pytest.approx(100 * (np.log10(np.mean((9.812, 10.104, 9.936))) + 2) / 4, abs=0.006)


def test_settings_make_panels_and_points_of_a_sweep_stay_out_of_the_picture():
    sweep = tuple(
        MetricRow(variant=f"ssd-sweep@alpha={a},setting=random", metric="accuracy", split=split, values={11: 0.5})
        for a in (5, 10)
        for split in ("retain", "forget")
    )
    both = sites.metric_rows("{}@setting=full-class") + sites.metric_rows("{}@setting=random") + sweep
    study = sites.study(metrics=both)
    assert [panel.label for panel in rows.panels(study)] == ["setting full-class", "setting random"]
    points = [point.label for point in rows.panels(study)[1].points]
    assert points[:3] == ["original", "retrained", "ssd"]
    assert "ssd-sweep alpha 10" in points
    figure = figures.study_figures(study)[0]
    assert [title for title, _ in figure.panels] == ["setting full-class", "setting random"]
    assert not any("sweep" in str(cell) for row in figure.body for cell in row)


def test_a_study_that_forgets_nothing_gets_its_first_measure():
    measured = tuple(
        MetricRow(variant=name, metric="perplexity", split="test", values={1: value, 2: value + 1})
        for name, value in (("dense", 7.0), ("chess", 8.0), ("cats", 9.0))
    )
    figure, *others = figures.study_figures(sites.study(slug="chess", metrics=measured))
    assert (figure.name, others) == ("measure", [])
    assert figure.title == "How do the methods compare in perplexity test?"


@pytest.mark.parametrize("values", [(), ({11: float("nan")},), ({11: 0.0},)])
def test_what_cannot_be_drawn_is_left_out(values):
    measured = tuple(MetricRow(variant="ssd", metric="intervention_seconds", unit="s", values=one) for one in values)
    assert figures.study_figures(sites.study(metrics=measured)) == []


@pytest.mark.parametrize(
    ("variant", "role"),
    [
        ("original", "original"),
        ("dense", "original"),
        ("retrained", "retrained"),
        ("ssd", "method"),
        ("ssd-pruned", "method"),
        ("ssdx", "baseline"),
        ("unsir", "baseline"),
    ],
)
def test_roles_by_name(variant, role):
    assert rows.role_of(sites.study(), variant) == role


def test_a_study_may_give_roles_itself():
    assert rows.role_of(sites.study(roles={"unsir": "method"}), "unsir") == "method"


def test_samples_become_dark_ink_on_a_light_sheet():
    uri, width, height = figures.sprite(Samples(images=sites.images()[:3]))
    assert (width, height) == (3 * 16 - 2, 14)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))
    first = np.array(sites.images()[0])
    assert (sheet[:, :14] == 255 - first).all()
    assert (sheet[:, 14:16] == 255).all()
    assert figures.sprite(Samples()) is None


@pytest.mark.parametrize("values", [(3.0, 3.0), (0.0, 0.0), (84.9, 93.7), (-5.0, 12.0), (1e-7, 2e-7)])
def test_linear_axes_hold_their_values_between_round_ticks(values):
    scale = svg.linear(values)
    assert scale.low <= min(values) <= max(values) <= scale.high
    assert 2 <= len(scale.ticks) <= 7
    assert scale(scale.low) == 0
    assert scale(scale.high) == 1


def test_an_axis_does_not_pass_what_cannot_be_passed():
    assert svg.linear((97.0, 99.9), (0, 100)).high == 100


@pytest.mark.parametrize("wanted", [(10, 11, 12), (0, 0, 0, 90), (95, 99), ()])
def test_labels_keep_their_distance_and_stay_inside(wanted):
    placed = svg.spread(wanted, 16, 0, 100)
    assert all(b - a >= 16 for a, b in pairwise(placed))
    assert all(0 <= place <= 100 for place in placed)
