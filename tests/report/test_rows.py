"""Metric rows become panels, points and columns; variants get their role."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.report import rows
from neurosieve.report.state import MetricRow

sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sites.py"))))


def test_settings_make_panels_and_points_of_a_sweep_keep_their_axes():
    sweep = tuple(
        MetricRow(variant=f"ssd-sweep@alpha={a},setting=random", metric="accuracy", split=split, values={11: 0.5})
        for a in (5, 10)
        for split in ("retain", "forget")
    )
    both = sites.metric_rows("{}@setting=full-class") + sites.metric_rows("{}@setting=random") + sweep
    study = sites.study(metrics=both)
    panels = rows.panels(study)
    assert [panel.label for panel in panels] == ["setting full-class", "setting random"]
    points = [point.label for point in panels[1].points]
    assert points[:3] == ["original", "retrained", "ssd"]
    assert "ssd-sweep alpha 10" in points


@pytest.mark.parametrize(
    ("variant", "role"),
    [
        ("original", "original"),
        ("dense", "original"),
        ("retrained", "retrained"),
        ("ssd", "method"),
        ("ssd-pruned", "method"),
        ("pruned-ssd", "method"),
        ("pruned", "baseline"),
        ("ssdx", "baseline"),
        ("unsir", "baseline"),
    ],
)
def test_roles_by_name(variant, role):
    assert rows.role_of(sites.study(), variant) == role


def test_a_study_may_give_roles_itself():
    assert rows.role_of(sites.study(roles={"unsir": "method"}), "unsir") == "method"


def test_points_are_equal_whatever_the_order_of_their_axes():
    assert rows.parse_point("ssd@b=2,a=1") == rows.parse_point("ssd@a=1,b=2")
    assert rows.parse_point("dense@e4") == rows.Point("dense@e4")
