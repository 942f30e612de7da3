import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from neurosieve.report.flags import flags
from neurosieve.report.state import MetricRow

sites = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("sites.py"))))


def told(metric, *values, variant="ssd", chain=("unlearn",), **more):
    row = MetricRow(variant=variant, metric=metric, values=dict(enumerate(values)), **more)
    return flags(sites.study(metrics=(row,), chains={variant: chain}))


@pytest.mark.parametrize(
    ("metric", "values", "says"),
    [
        ("forget_unchanged", (1.0, 1.0), "ssd: the forget rows behave as before"),
        ("attack_auc", (0.0007, 0.001), "ssd: its absence is visible"),
        ("attack_auc", (0.39, 0.4, 0.41), "ssd: its absence is visible"),
        ("constant_output", (0.0, 1.0), "ssd: the output is the same for every row"),
        ("layers_empty", (0.0, 2.0), "ssd: pruning left up to 2 layers without a weight"),
    ],
)
def test_what_must_not_be_read_as_success_is_said(metric, values, says):
    (line,) = told(metric, *values)
    assert line.startswith(says)


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("forget_unchanged", (1.0, 0.9)),
        ("attack_auc", (0.48, 0.5)),
        ("attack_auc", (0.9, 0.9)),
        ("attack_auc", (0.488, 0.424, 0.404)),  # its interval reaches above 0.5
        ("constant_output", (0.0, 0.0)),
        ("layers_empty", (0.0, 0.0)),
    ],
)
def test_otherwise_nothing(metric, values):
    assert told(metric, *values) == []


def test_a_step_not_meant_to_forget_may_leave_the_forget_rows_alone():
    assert told("forget_unchanged", 1.0, variant="pruned", chain=("prune",)) == []


def test_one_seed_of_few_rows_shows_no_absence():
    assert told("attack_auc", 0.40, n=18) == []
    assert told("attack_auc", 0.40, n=100) != []


def test_a_target_is_named():
    assert told("constant_output", 1.0, target="onnx")[0].startswith("ssd on onnx: ")
