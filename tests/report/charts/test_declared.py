"""Figures that a study declares: rows where the numbers are, names apart, intervals of many runs, lanes."""

import itertools
import json
import math
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from neurosieve.errors import UserError
from neurosieve.report import figures, rows
from neurosieve.report.charts import declared, lines
from neurosieve.report.state import FigureSpec, MetricRow, Series

HERE = Path(__file__).parents[1]
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
STORED = [10, 60, 1000, 5000]
PHASES = {"name": "phases", "metric": "overlap", "x": "K", "by": "P", "variants": ("storage",), "theory": "expected"}


def overlap(k, p, seed=0):
    return math.exp(-k / 10 ** (p - 0.5)) + 0.01 * seed


def measured(runs=3, **more):
    return tuple(
        MetricRow(
            variant=f"storage@P={p}",
            metric=metric,
            at=f"K={k}",
            unit="–",
            values={seed: overlap(k, p, seed if metric == "overlap" else 0) for seed in range(runs)},
            **more,
        )
        for p in (2, 4)
        for k in STORED
        for metric in ("overlap", "expected")
    )


def study(*specs, **more):
    fields = {"slug": "dense", "metrics": measured(), "claims": (), "figures": tuple(FigureSpec(**s) for s in specs)}
    return sites.study(**(fields | more))


def only(made):
    (figure,) = declared.figures(made)
    return figure


def test_which_way_is_better_is_that_of_the_rows_drawn():
    rows_ = [
        MetricRow(variant=f"fit@n={n}", metric="fit", split=split, direction="higher", values={1: n, 2: n + 1})
        for split in ("forget", "test")
        for n in (1, 2)
    ]
    titles = []
    for split in ("forget", "test"):
        figure = only(study({"name": "a", "metric": "fit", "x": "n", "split": split}, metrics=tuple(rows_)))
        titles.append(json.dumps(figure.spec, ensure_ascii=False))
    assert "→ retrained" in titles[0]
    assert "→ retrained" not in titles[1]
    assert "↑" in titles[1]


def test_curves_lie_where_the_means_are_with_runs_and_dashed_theory():
    figure = only(study(PHASES))
    (panel,) = figure.panels
    assert {row["c"] for row in panel.rows["means"]} == {"2", "4"}
    (one,) = [row for row in panel.rows["means"] if (row["c"], row["x"]) == ("2", 10)]
    assert one["y"] == pytest.approx(overlap(10, 2, 1), rel=1e-3)
    assert len(panel.rows["runs"]) == 2 * 4 * 3
    assert [row["y"] for row in panel.rows["theory"] if row["c"] == "4"] == pytest.approx(
        [overlap(k, 4) for k in STORED], rel=1e-3
    )
    assert "Dashed: theory" in figure.foot
    assert len(figure.body) == 8
    assert f'value="{overlap(10, 2, 1):.10g}"' in str(figure.body[0][3])


def test_of_many_runs_the_interval_is_drawn_and_listed():
    figure = only(study(PHASES, metrics=measured(runs=20)))
    (panel,) = figure.panels
    assert panel.rows["runs"] == []
    assert len(panel.rows["bars"]) == 8
    assert all(row["low"] < row["high"] for row in panel.rows["bars"])
    assert "20 runs" in figure.foot
    assert re.search(r"</data> to <data", str(figure.body[0][4]))


def test_places_that_are_no_numbers_lie_side_by_side_in_their_order():
    listed = [
        MetricRow(variant="a", metric="error", at=f"scenario={name}", values={1: place, 2: place + 1})
        for place, name in enumerate(("all-right", "m1", "all-wrong"))
    ]
    figure = only(study({"name": "e", "metric": "error", "x": "scenario"}, metrics=tuple(listed)))
    (panel,) = figure.panels
    assert [(row["place"], row["x"]) for row in panel.rows["means"]] == [("all-right", 0), ("m1", 1), ("all-wrong", 2)]
    assert "['all-right','m1','all-wrong'][datum.value]" in str(figure.spec)


def test_theory_ends_where_a_measured_place_has_none():
    gap = [row for row in measured() if not (row.metric == "expected" and row.at == "K=1000")]
    (panel,) = only(study(PHASES, metrics=tuple(gap))).panels
    assert [(row["x"], row["part"]) for row in panel.rows["theory"] if row["c"] == "4"] == [(10, 0), (60, 0), (5000, 1)]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"metric": "overlap_sd"}, "overlap_sd was not measured at this scale."),
        ({"x": "k"}, "overlap has no axis k; it has K, P, variant."),
        ({"at": {"noise": 0}}, "overlap has no axis noise; it has K, P, variant."),
        ({"at": {"P": 3}}, "no value of overlap lies where its at, split, target and variants look"),
    ],
)
def test_a_figure_with_nothing_to_draw_says_why(changes, why):
    made = study({**PHASES, **changes})
    assert declared.figures(made) == []
    (said,) = declared.empty(made)
    assert said.startswith(f"phases: {why}")
    assert declared.empty(study(PHASES)) == []
    assert declared.empty(study({**PHASES, **changes}, state="incomplete")) == []


ERRORS = (
    MetricRow(variant="learned@data=g2", metric="error", at="triple=a-a", values={1: 3.0, 2: -4.0}),
    MetricRow(variant="learned@data=g2", metric="error", at="triple=a-b", values={1: 0.0, 2: 0.5}),
    MetricRow(variant="chosen@data=g2", metric="error", values={1: 1.0, 2: 1.0}),
)


def test_dots_are_one_row_per_value_or_variant_the_largest_first():
    wanted = {"name": "e", "kind": "dots", "metric": "error", "by": "triple"}
    figure = only(study(wanted, metrics=ERRORS, roles={"chosen": "method"}))
    (panel,) = figure.panels
    assert [(row["name"], row["value"]) for row in panel.rows["means"]] == [("chosen", 1), ("a-b", 0.25), ("a-a", -0.5)]
    assert panel.rows["means"][0]["role"] == "method"
    assert sorted(row["value"] for row in panel.rows["runs"]) == [-4, 0, 0.5, 1, 1, 3]
    assert figure.foot == "Large: mean. Small: single runs."
    assert figure.head == ("triple", "error")


def test_dots_can_show_the_root_mean_square_of_all_runs():
    wanted = {"name": "e", "kind": "dots", "metric": "error", "by": "triple", "over": "rms"}
    figure = only(study(wanted, metrics=ERRORS))
    (panel,) = figure.panels
    assert [row["name"] for row in panel.rows["means"]] == ["a-a", "chosen", "a-b"]
    assert panel.rows["means"][0]["value"] == pytest.approx(math.sqrt(12.5), rel=1e-3)
    assert panel.rows["runs"] == []
    assert figure.foot == "Root mean square of 2 runs."


def test_dots_ask_for_what_tells_two_rows_apart():
    twice = (*ERRORS, MetricRow(variant="chosen@data=g1", metric="error", values={1: 1.0}))
    with pytest.raises(UserError, match="several values of error for chosen: choose with `at:`"):
        declared.figures(study({"name": "e", "kind": "dots", "metric": "error", "by": "triple"}, metrics=twice))
    with pytest.raises(ValidationError, match="figure e needs the axis `x`"):
        FigureSpec(name="e", metric="error")


def test_panels_and_fixed_axes():
    rows_ = tuple(
        MetricRow(variant="a", metric="m", at=f"T={t},q={q},x={x}", values={1: t + x})
        for t in (10, 2)
        for q in (0, 1)
        for x in (1, 2)
    )
    wanted = {"name": "f", "metric": "m", "x": "x", "panel": "T", "at": {"q": 1}}
    figure = only(study(wanted, metrics=rows_))
    assert [panel.title for panel in figure.panels] == ["T 2", "T 10"]
    assert not figure.half
    with pytest.raises(UserError, match="they differ in q: choose with `at:`"):
        declared.figures(study({**wanted, "at": {}}, metrics=rows_))


def test_a_log_axis_leaves_out_what_it_cannot_show():
    rows_ = tuple(MetricRow(variant="a", metric="m", at=f"x={x}", values={1: x - 1}) for x in (1, 10, 100))
    (panel,) = only(study({"name": "f", "metric": "m", "x": "x", "log": ("x", "y")}, metrics=rows_)).panels
    assert [row["x"] for row in panel.rows["means"]] == [10, 100]


def test_names_at_the_ends_keep_apart():
    rows_ = tuple(
        MetricRow(variant=f"v{i}", metric="m", at=f"x={x}", values={1: 1 + 0.001 * i + x})
        for i in range(5)
        for x in (0, 1)
    )
    (panel,) = only(study({"name": "f", "metric": "m", "x": "x"}, metrics=rows_)).panels
    height = {row["c"]: lines.HEIGHT * (row["y"] - 0) / 2.5 - row["dy"] for row in panel.rows["names"]}
    ordered = sorted(height.values())
    assert len(ordered) == 5
    assert min(b - a for a, b in itertools.pairwise(ordered)) > lines.NEAR - 2


def test_lanes_are_runs_of_one_value():
    sequence = {"metric": "state", "seed": 11, "x": tuple(range(6))}
    made = study(
        {"name": "states", "kind": "raster", "metric": "state", "x": "time"},
        series=(
            Series(variant="truth", y=(0, 0, 1, 1, 1, 2), **sequence),
            Series(variant="hmm", y=(0, 1, 1, 1, 1, 2), **sequence),
        ),
    )
    figure = only(made)
    lanes = figure.panels[0].rows["lanes"]
    assert [(row["x"], row["x2"], row["s"]) for row in lanes if row["lane"] == "truth"] == [
        (0, 2, 0),
        (2, 5, 1),
        (5, 6, 2),
    ]
    assert ("hmm", "from 1", "1") in figure.body


def test_nothing_measured_draws_nothing_and_the_first_measure_gives_way_to_declared_figures():
    assert declared.figures(study({"name": "f", "metric": "absent", "x": "x"})) == []
    assert declared.figures(study({"name": "f", "kind": "raster", "metric": "absent", "x": "x"})) == []
    made = study(PHASES)
    assert [one.name for one in figures.study_figures(made, rows.panels(made))] == ["phases"]
