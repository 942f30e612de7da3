"""Charts draw what the metric rows say: the rows in their specs, the numbers beside them, and no request."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from neurosieve.report import figures, rows
from neurosieve.report.charts import figure, forgetting, theme
from neurosieve.report.state import FigureSpec, FigureTitle, LayerRow, MetricRow

HERE = Path(__file__).parents[1]
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
whole = SimpleNamespace(**runpy.run_path(str(HERE / "whole.py")))


def drawn(study):
    return {one.name: one for one in figures.study_figures(study, rows.panels(study))}


def named(panel, rows_, **wanted):
    return [row for row in panel.rows[rows_] if all(row.get(key) == value for key, value in wanted.items())]


def test_the_forgetting_map_puts_marks_where_the_numbers_are():
    (panel,) = drawn(sites.study())["map"].panels
    (method,) = named(panel, "means", name="ssd")
    assert method["lost"] == pytest.approx(100 * np.mean((0.0123, 0.0411, 0.0)), abs=0.001)
    assert method["kept"] == pytest.approx(100 * np.mean((0.9241, 0.9199, 0.9253)), abs=0.01)
    runs = sorted(row["lost"] for row in named(panel, "runs", role="method"))
    assert runs[-1] == pytest.approx(4.11)
    assert {row["name"] for row in panel.rows["means"] if row.get("hollow")} == {"ssd-zero"}
    assert {row["name"] for row in panel.rows["labels"]} == set(sites.MEASURED)


def test_intervals_in_the_map_are_cut_at_its_edges():
    (panel,) = drawn(sites.study())["map"].panels
    for row in panel.rows["means"]:
        assert 0 <= row["lost_low"] <= row["lost"] <= row["lost_high"] <= 100
        assert row["kept_low"] <= row["kept"] <= row["kept_high"]


def test_numbers_behind_a_figure_are_those_of_the_view_model():
    body = {str(row[0]): row for row in drawn(sites.study())["map"].body}
    assert 'value="0.0411"' in str(body["ssd"][2])
    assert 'value="0.9241"' in str(body["ssd"][4])


def test_names_in_the_map_cover_no_mark_and_no_other_name():
    study = whole.study()
    for panel in drawn(study)["map"].panels:
        labels = panel.rows["labels"]
        low, high = 70, 100
        boxes = []
        for row in labels:
            down = (high - row["to"]) / (high - low) * forgetting.HEIGHT
            start = row["edge"] / 100 * forgetting.NARROW + (-10 if row["side"] == "right" else 10)
            width = 7.4 * len(row["name"])
            left = start - width if row["side"] == "right" else start
            boxes.append((left, left + width, down - 6, down + 6))
        for i, a in enumerate(boxes):
            for b in boxes[i + 1 :]:
                apart = a[1] <= b[0] + 1 or b[1] <= a[0] + 1 or a[3] <= b[2] + 1 or b[3] <= a[2] + 1
                assert apart, (panel.title, a, b)


def test_pruned_chains_stay_out_of_the_map_and_in_the_tables():
    study = whole.study()
    names = {row["name"] for panel in drawn(study)["map"].panels for row in panel.rows["means"]}
    assert names == {name for name, chain in whole.CHAINS.items() if "prune" not in chain} - {"ssd-sweep"}


def test_cost_is_drawn_from_dear_to_cheap_and_in_the_first_setting():
    one = drawn(whole.study())["cost"]
    (panel,) = one.panels
    names = [row["name"] for row in panel.rows["means"]]
    assert names[0] == "retrained"
    assert names.index("ssd") > names.index("unsir") > names.index("finetune")
    (ours,) = named(panel, "means", name="ssd")
    assert "of retraining" in ours["text"]
    assert "ssd + preparation" in names
    assert "setting full-class" in one.sub
    scale = one.spec["layer"][0]["encoding"]["x"]["scale"]
    assert scale == {"domain": [0.01, 10.0], "type": "log"}


def test_every_setting_is_a_panel_on_the_same_axes():
    one = drawn(whole.study())["map"]
    assert [panel.title for panel in one.panels] == [f"setting {name}" for name in whole.SETTINGS]
    domains = {json.dumps(d["scale"]["domain"]) for d in _channels(one.spec, "y") if "scale" in d}
    assert len(domains) == 1


def _channels(spec, name):
    return [layer["encoding"][name] for layer in spec["layer"] if name in layer["encoding"]]


def test_a_sweep_is_drawn_by_its_longest_axis_one_panel_per_value_of_the_other():
    study = whole.study()
    one = drawn(study)["sweep"]
    titles = [panel.title for panel in one.panels]
    assert titles == [f"setting {s} · λ = {v}" for s in ("full-class", "digits") for v in ("0.1", "1")]
    for panel in one.panels:
        assert {row["x"] for row in panel.rows["means"]} == {5, 10, 25, 50, 100}
        assert len(panel.rows["runs"]) == 3 * len(panel.rows["means"]) == 3 * 5 * 2
    row = next(r for r in study.metrics if "alpha=25,lambda=1," in r.variant and r.split == "retain")
    marks = [m for m in one.panels[1].rows["means"] if m["x"] == 25 and m["what"].endswith("kept")]
    assert marks[0]["y"] == pytest.approx(100 * row.mean, abs=0.01)
    assert len(one.body) == 4 * 5 * 2


def swept(**more):
    """A likelihood at every number of states, a match with the truth only at the true number."""
    values = {11: -1.0, 12: -2.0}
    found = [MetricRow(variant=f"fit@states={n}", metric="likelihood", split="test", values=values) for n in (1, 2, 3)]
    found += [MetricRow(variant=name, metric="likelihood", split="test", values=values) for name in "abc"]
    found.insert(0, MetricRow(variant="fit@states=2", metric="agreement", values=values))
    return sites.study(slug="own", metrics=tuple(found), claims=(), layers=(), **more)


def test_a_sweep_shows_what_was_measured_along_all_of_it_and_nothing_a_declared_figure_shows():
    (panel,) = drawn(swept())["sweep"].panels
    assert {(row["what"], row["x"]) for row in panel.rows["means"]} == {("likelihood test", n) for n in (1, 2, 3)}
    declared = FigureSpec(name="how-many", metric="likelihood", x="states", variants=("fit",))
    assert drawn(swept(figures=(declared,))).keys() >= {"how-many"}
    assert "sweep" not in drawn(swept(figures=(declared,)))


def test_membership_has_a_row_per_seed_named_by_what_it_forgets():
    study = whole.study()
    one = drawn(study)["membership"]
    rows_ = [list(dict.fromkeys(mark["row"] for mark in panel.rows["marks"])) for panel in one.panels]
    assert rows_[0] == ["label = 12", "label = 48", "label = 83"]
    assert rows_[2] == ["seed 11", "seed 12", "seed 13"]
    measured = next(r for r in study.metrics if r.variant == "ssd@setting=full-class" and r.metric == "mia_success")
    drawn_ = [mark["value"] for mark in named(one.panels[0], "marks", name="ssd")]
    assert drawn_ == pytest.approx([100 * v for v in measured.values.values()], abs=0.01)


def test_layers_join_weight_and_bias_and_show_shares():
    study = whole.study()
    (panel,) = drawn(study)["layers"].panels
    assert [row["name"] for row in panel.rows["means"]] == list(whole.LAYERS)
    mine = [row for row in study.layers if row.variant == "ssd@setting=full-class" and row.layer.startswith("head.")]
    share = np.mean([sum(row.selected[seed] for row in mine) / (2304 + 16) for seed in whole.SEEDS])
    assert panel.rows["means"][-1]["share"] == pytest.approx(100 * share, rel=1e-3)


def test_of_many_layers_the_largest_are_drawn_and_all_are_listed():
    many = tuple(
        LayerRow(variant="ssd", layer=f"block.{i}.weight", elements=100, selected={11: i % 50}) for i in range(60)
    )
    one = drawn(sites.study(layers=many))["layers"]
    assert len(one.panels[0].rows["means"]) == 24
    assert len(one.body) == 60
    assert "all of them are in the numbers" in one.foot


def test_a_study_that_forgets_nothing_gets_its_first_measure():
    measured = tuple(
        MetricRow(variant=name, metric="perplexity", split="test", values={1: value, 2: value + 1})
        for name, value in (("dense", 7.0), ("chess", 8.0), ("cats", 9.0))
    )
    found = drawn(sites.study(slug="chess", metrics=measured))
    assert list(found) == ["measure"]
    assert found["measure"].title == "How do the methods compare in perplexity test?"


@pytest.mark.parametrize("values", [(), ({11: float("nan")},), ({11: 0.0},)])
def test_what_cannot_be_drawn_is_left_out(values):
    measured = tuple(MetricRow(variant="ssd", metric="intervention_seconds", unit="s", values=one) for one in values)
    assert drawn(sites.study(metrics=measured)) == {}


@pytest.mark.parametrize(
    ("when", "more", "claimed"),
    [
        ({"S1": "holds"}, {}, True),
        ({"S1": "fails"}, {}, False),
        ({"S1": "holds", "S3": "holds"}, {}, False),
        ({"S9": "holds"}, {}, False),
        ({}, {}, False),
        ({"S1": "holds"}, {"scale": "smoke"}, False),
        ({"S1": "holds"}, {"state": "incomplete"}, False),
    ],
)
def test_a_finding_is_claimed_only_with_its_verdicts(when, more, claimed):
    study = sites.study(titles=(FigureTitle(name="map", title="It lands there", when=when),), **more)
    title = figure.title_of(study, "map", "Where does it land?")
    assert title == ("It lands there" if claimed else "Where does it land?")


def test_specs_name_no_address_and_colours_are_variables():
    for one in drawn(whole.study()).values():
        text = theme.as_json(one.spec) + "".join(theme.as_json(panel.drawing) for panel in one.panels)
        assert "http" not in text
        assert "#" not in text
        assert "@" not in text.replace("ssd-sweep@", "")


def test_every_layer_of_a_chart_states_its_domains():
    for one in drawn(whole.study()).values():
        for axis in ("x", "y"):
            stated = [c for c in _channels(one.spec, axis) if c.get("type") == "quantitative"]
            assert all("domain" in channel["scale"] for channel in stated), (one.name, axis)


def test_figures_of_half_the_width_come_in_twos():
    halves = [one.half for one in drawn(whole.study()).values()]
    assert halves == [False, True, True, False, False]


@pytest.mark.parametrize("values", [(3.0, 3.0), (0.0, 0.0), (84.9, 93.7), (-5.0, 12.0), (1e-7, 2e-7)])
def test_ticks_are_round_and_hold_their_values(values):
    ticks = figure.nice(values)
    assert ticks[0] <= min(values) <= max(values) <= ticks[-1]
    assert 2 <= len(ticks) <= 8


def test_ticks_do_not_pass_what_cannot_be_passed():
    assert figure.nice((97.0, 99.9), (0, 100))[-1] == 100


@pytest.mark.parametrize(
    ("values", "ends"), [((0.02, 9.0), (0.01, 10)), ((1.0, 1.0), (1, 10)), ((1e-9, 1e6), (1e-9, 1e6))]
)
def test_decades_hold_positive_values(values, ends):
    ticks = figure.decades(values)
    assert (ticks[0], ticks[-1]) == pytest.approx(ends)
    assert len(ticks) <= 7


def test_templates_are_filled_whole():
    spec = {"a": ["@ticks"], "b": ["@low", "@high"], "c": {"d": "@title"}, "e": [1, "x"]}
    filled = theme.filled(spec, {"@ticks": [1, 2], "@low": 0, "@high": 9, "@title": "t"})
    assert filled == {"a": [1, 2], "b": [0, 9], "c": {"d": "t"}, "e": [1, "x"]}


def test_json_cannot_leave_its_script():
    text = theme.as_json({"a": "</script><!--\u2028"})
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--\u2028"}
