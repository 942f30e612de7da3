"""What stands under the tables of a study page."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from neurosieve.report.page import render
from neurosieve.report.state import MetricRow, TargetRow

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
pages = SimpleNamespace(**runpy.run_path(str(HERE / "pages.py")))


def test_the_targets_say_what_holds_where_and_what_a_dense_format_does_not(tmp_path):
    agreement = {"metric": "argmax_agreement", "unit": "share", "target": "onnx-int8", "variant": "ssd"}
    study = sites.study(
        targets=(
            TargetRow(variant="ssd", target="onnx-int8", machines=("x86_64 avx2", "aarch64 neon dot")),
            TargetRow(variant="ssd", target="nir", missing="needs nir, not installed here: pip install nir"),
        ),
        metrics=(
            *sites.study().metrics,
            MetricRow(**agreement, values={11: 0.98, 12: 0.97}),
            MetricRow(**agreement, at="reduce_range=false", values={11: 0.99, 12: 1.0}),
        ),
    )
    render(sites.site(study), tmp_path, tmp_path / "kept")
    part = pages.read(tmp_path / "studies" / "ssd.html").by_id("targets").parent.parent
    assert "pruning alone makes onnx neither smaller nor faster" in part.text
    assert "needs nir, not installed here" in part.text
    assert (
        "onnx-int8: keeps at least 97.0 % of its network’s predictions (reduce_range false: 99.0 %); holds for the"
        " instruction set it was compared on only: x86_64 avx2 and aarch64 neon dot." in part.text
    )


def test_a_target_of_a_system_that_is_no_classifier_shows_its_difference_and_its_states(tmp_path):
    exported = {"variant": "ssd", "target": "onnx-step"}
    study = sites.study(
        targets=(TargetRow(**exported),),
        metrics=(
            MetricRow(**exported, metric="max_absolute_difference", values={11: 1.25e-6, 12: 3.5e-6}),
            MetricRow(**exported, metric="state_accuracy", split="test", unit="share", values={11: 0.871, 12: 0.873}),
        ),
    )
    render(sites.site(study), tmp_path, tmp_path / "kept")
    text = pages.read(tmp_path / "studies" / "ssd.html").by_id("targets").parent.parent.text
    assert "3.5 × 10⁻⁶" in text
    assert "87.2" in text
