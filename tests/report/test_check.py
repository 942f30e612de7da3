"""A page refuses to show measurements of different models as one result (and other things that cannot be right)."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.errors import UserError
from neurosieve.report.check import check
from neurosieve.report.page import render
from neurosieve.report.state import MetricRow

sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sites.py"))))


def row(metric, *models, **more):
    fields = {"variant": "ssd", "metric": metric, "values": {11: 0.1, 12: 0.2}, "models": dict(zip((11, 12), models))}  # noqa: B905
    return MetricRow(**(fields | more))


def test_one_model_per_variant_and_seed_passes():
    rows = (row("accuracy", "aa", "bb"), row("mia_success", "aa", "bb"), row("ece", "cc", "dd", variant="finetune"))
    check(sites.site(sites.study(metrics=rows)))
    check(sites.site(sites.study(metrics=(*rows, row("spread", "", "")))))  # of the whole study


@pytest.mark.parametrize("more", [{}, {"target": "onnx"}, {"timing": True}])
def test_an_old_evaluation_of_another_model_is_refused(more, tmp_path):
    rows = (row("accuracy", "aa", "bb"), row("mia_success", "aa", "old", **more))
    with pytest.raises(UserError, match=r"ssd, seed 12: accuracy was measured on model bb, mia_success on model old"):
        render(sites.site(sites.study(metrics=rows)), tmp_path)
    assert list(tmp_path.iterdir()) == []
