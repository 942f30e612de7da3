"""Shadow models are ordinary nodes: the same data, other seeds, fresh ones for every attempt."""

import copy
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests import toys
from tests.toys import bare

from neurosieve.errors import UserError
from neurosieve.plan.study import merge

TRAINED: dict[str, Any] = {"model": {"use": "dense.mlp", "hidden": [8]}, "train": {"use": "supervised.backprop"}}
TUNED = {"from": "original", "unlearn": {"use": "unlearning.finetune", "epochs": 1}}
BASE = bare(
    {"original": merge(TRAINED, {"train": {"epochs": 1}}), "finetune": TUNED},
    dataset={"use": "rendered.glyphs", "chars": "ABC", "jitters": 2},
    forget={"sample": 5},
)
BASE["variants"]["retrained"] = {**BASE["variants"]["original"], "rows": "retain"}
BASE["seeds"] = [11, 12]


def asked(grade: str, **more: Any) -> dict[str, Any]:
    use = {"use": "forgetting_evidence", "grade": grade, "of": ["finetune"], **more}
    return merge(copy.deepcopy(BASE), {"evaluate": [use]})


def shadows(plan, seed: int = 11, target: str = "native") -> dict[str, Any]:
    """Nodes by role, of the evaluation of `finetune` at a seed."""
    (cell,) = [one for one in plan.cells if (one.variant, one.seed, one.target) == ("finetune", seed, target)]
    inputs = plan.nodes[cell.metrics[-1]].recipe["inputs"]
    return {role: plan.nodes[key] for role, key in inputs.items() if role.split(".")[0] in ("retrained", "unlearned")}


def test_grades(tmp_path: Path) -> None:
    assert shadows(toys.planned(tmp_path / "quick", asked("quick"))) == {}
    standard = shadows(toys.planned(tmp_path / "standard", asked("standard")))
    assert list(standard) == [f"retrained.{index}" for index in range(5)]
    plan = toys.planned(tmp_path / "strong", merge(asked("strong"), {"targets": {"finetune": ["onnx"]}}))
    strong = shadows(plan)
    kinds = [role.split(".")[0] for role in strong]
    assert (kinds.count("retrained"), kinds.count("unlearned")) == (16, 16)
    assert len({node.key for node in strong.values()}) == 32
    assert standard["retrained.0"].key == strong["retrained.0"].key
    exported = shadows(plan, target="onnx")
    assert {role: node.key for role, node in exported.items()} == {
        role: node.key for role, node in strong.items() if role.startswith("retrained")
    }


def test_same_rows_and_other_seeds(tmp_path: Path) -> None:
    """Which rows are drawn to be forgotten depends on the seed: shadows share the evaluated model's, not their own."""
    plan = toys.planned(tmp_path, asked("strong"))
    own = toys.model_node(plan, "finetune").recipe["inputs"]
    for role, node in shadows(plan).items():
        assert node.recipe["inputs"]["data"] == own["data"]
        assert node.recipe["inputs"]["selection"] == own["selection"]
        assert node.recipe["seed"] not in (11, 12)
        assert node.stage == ("train" if role.startswith("retrained") else "intervene")
    others = {node.key for node in shadows(plan, seed=12).values()}
    assert not others & {node.key for node in shadows(plan).values()}


def test_attempts_and_numbers(tmp_path: Path) -> None:
    plans = [toys.planned(tmp_path / str(k), asked("strong", shadows=8, attempt=k)) for k in (1, 2)]
    first, second = map(shadows, plans)
    assert len(first) == len(second) == 16
    assert not {node.key for node in first.values()} & {node.key for node in second.values()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"variants": {"retrained": None}},
            "needs a variant 'retrained', trained.* or choose grade quick",
        ),
        ({"variants": {"retrained": {"rows": "all"}}}, "no training on `rows: retain`"),
        ({"evaluate": [{"use": "forgetting_evidence", "grade": "better"}]}, "quick"),
    ],
)
def test_refusals(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        toys.planned(tmp_path, merge(asked("standard"), change))


def test_weights_from_a_file_are_not_trained_again(tmp_path: Path) -> None:
    given = {"train": {"use": "given.weights", "file": "weights.safetensors"}}
    toys.project(tmp_path, {})
    (tmp_path / "weights.safetensors").write_bytes(b"")
    changed = asked("strong")
    changed["variants"]["original"] = {**TRAINED, **given}
    with pytest.raises(UserError, match="trains 'original' again, but its weights come from a file; choose grade"):
        toys.planned(tmp_path, changed)


def test_an_evaluation_sees_them(tmp_path: Path) -> None:
    made, plan = toys.ran(tmp_path, merge(asked("strong", shadows=8), {"seeds": [11]}))
    table = toys.metrics(made, plan).filter(pl.col("metric").is_in(["evidence_retrained", "evidence_unlearned"]))
    assert table["value"].to_list() == [8, 8]
    assert table["variant"].unique().to_list() == ["finetune"]
