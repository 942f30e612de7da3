"""What the file of a repaired study takes over from the study that it repairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from tests import toys
from tests.toys import ORIGINAL, bare

from neurosieve.plan.study import load_study
from neurosieve.requests.repair import Asked, Repair
from neurosieve.requests.repaired import content_of

FILE = "data/requests/R-1.csv"
SHIFT: dict[str, Any] = {"from": "original", "adapt": {"use": "adaptation.toy_shift"}}
DROP = {"use": "unlearning.toy_drop", "far": 5}
OWN: dict[str, Any] = bare(
    {
        "original": ORIGINAL,
        "drop": {"from": "original", "unlearn": DROP, "only": {"setting": ["near", "wide"]}},
        "shift": {"from": "drop", "adapt": {"use": "adaptation.toy_shift"}},
    },
    targets={"shift": ["toy", {"use": "toy-seen", "only": {"setting": ["near", "else"]}}], "drop": ["toy"]},
    evaluate=[{"use": "toy_accuracy", "sleep": 0.0}, {"use": "toy_spread"}],
    resources={"train": {"memory": "2 GB"}},
    axes={
        "setting": {
            "near": {"forget": {"where": "label = 1"}, "set": {"drop.far": 7, "original.train.epochs": 3}},
            "wide": {"dataset": {"spread": 0.5}},
            "else": {"dataset": {"classes": 2}},
        }
    },
    certify={"variants": ["shift"], "before": "original", "loss": 0.02},
    claims=[{"id": "C1"}],
    scales={"smoke": {"seeds": [3]}},
)


def content(
    tmp_path: Path, names: list[str], kept: list[str], method: str = "retrained", **changes: Any
) -> dict[str, Any]:
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({**OWN, **changes}))
    loaded = load_study(path, "default")
    repair = Repair(loaded.study, set(loaded.study.variants), Asked("R-1", FILE, method))
    for name in names:
        repair.repaired(name)
    return content_of(loaded, repair, names, {"setting": kept}, toys.source())


def test_axes_keep_the_values_at_which_something_is_affected(tmp_path: Path) -> None:
    made = content(tmp_path, ["shift"], ["near"])
    settings = {
        "original.train.epochs": 3, "original-R-1.train.epochs": 3, "drop-R-1.far": 7,
    }  # fmt: skip
    assert made["axes"] == {"setting": {"near": {"forget": {"where": "label = 1"}, "set": settings}}}
    assert made["variants"]["drop-R-1"]["only"] == {"setting": ["near"]}


def test_what_was_shipped_is_exported_again_and_certified(tmp_path: Path) -> None:
    made = content(tmp_path, ["shift"], ["near", "wide"])
    assert made["targets"] == {"shift-R-1": ["toy", {"use": "toy-seen", "only": {"setting": ["near"]}}]}
    assert content(tmp_path, ["shift"], ["wide"])["targets"] == {"shift-R-1": ["toy"]}
    assert made["certify"] == {"variants": ["shift-R-1"], "before": "original", "reference": "R-1", "loss": 0.02}
    assert made["measured"] == {"ids_file": FILE}
    assert made["resources"] == OWN["resources"]
    assert made["notes"] == {"study": "own", "repairs": "own", "request": "R-1"}
    assert not {"claims", "scales", "paper"} & set(made)


def test_evaluations_of_one_model_look_at_the_models_before_and_after(tmp_path: Path) -> None:
    made = content(tmp_path, ["drop"], ["near"])
    assert made["evaluate"] == [{"use": "toy_accuracy", "sleep": 0.0, "of": ["original", "original-R-1", "drop-R-1"]}]
    (accuracy, evidence) = content(tmp_path, ["drop"], ["near"], evaluate=[{"use": "classification"}])["evaluate"]
    assert (accuracy["use"], evidence["use"]) == ("classification", "forgetting_evidence")
    assert evidence["of"] == accuracy["of"]


def test_models_to_compare_with_are_trained_without_the_rows(tmp_path: Path) -> None:
    asked = [{"use": "forgetting_evidence", "grade": "standard"}]
    made = content(tmp_path, ["drop"], ["near"], evaluate=asked)
    assert made["variants"]["retrained-R-1"] == {"base": "original", "rows": "retain", "forget": {"ids_file": FILE}}
    (evidence,) = made["evaluate"]
    assert (evidence["grade"], evidence["retrained"]) == ("standard", "retrained-R-1")
    assert "retrained-R-1" not in evidence["of"]
    given = {**ORIGINAL, "train": {"use": "given.weights", "file": "weights"}}
    variants = {"original": given, "shift": SHIFT}
    targets = {"shift": ["toy"]}
    changes = {"evaluate": asked, "axes": {}, "variants": variants, "targets": targets}
    weights = content(tmp_path, ["shift"], [], "toy_drop", **changes)
    assert weights["evaluate"][0]["grade"] == "quick"
    assert not any("retrained" in name for name in weights["variants"])


def test_a_study_that_answered_a_request_measures_both(tmp_path: Path) -> None:
    earlier = "data/requests/R-0.csv"
    variants = {
        "original": ORIGINAL,
        "original-R-0": {"from": "original", "unlearn": DROP, "forget": {"ids_file": earlier}},
        "shift-R-0": {"from": "original-R-0", "adapt": {"use": "adaptation.toy_shift"}, "without": [earlier]},
    }
    given = {"variants": variants, "targets": {"shift-R-0": ["toy"]}, "axes": {}, "certify": None}
    notes = {"study": "first", "repairs": "first", "request": "R-0"}
    made = content(tmp_path, ["shift-R-0"], [], **given, notes=notes)
    assert made["axes"] == {
        "request": {"R-0": {"measured": {"ids_file": earlier}}, "R-1": {"measured": {"ids_file": FILE}}}
    }
    assert "measured" not in made
    assert made["certify"]["at"] == {"request": "R-1"}
    assert made["notes"] == {"study": "first", "repairs": "own", "request": "R-1"}
    assert made["targets"] == {"shift-R-1": ["toy"]}
