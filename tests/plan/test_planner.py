"""From YAML to nodes: which recipe each part of a study makes, and what is refused at which line."""

from pathlib import Path
from typing import Any

import pytest
from tests import toys
from tests.owned import request
from tests.toys import ORIGINAL, bare, model_node

from neurosieve.errors import UserError
from neurosieve.plan.study import merge

DROP = {"from": "original", "unlearn": {"use": "unlearning.toy_drop"}}
SHIFT = {"from": "original", "adapt": {"use": "adaptation.toy_shift"}}
BASE = bare({"original": ORIGINAL, "drop": DROP}, evaluate=[{"use": "toy_accuracy"}], targets={"drop": ["toy"]})


def changed(**changes: Any) -> dict[str, Any]:
    return merge(BASE, changes)


def stages(plan) -> dict[str, int]:
    found = [node.stage for node in plan.nodes.values()]
    return {stage: found.count(stage) for stage in dict.fromkeys(found)}


def test_recipes_of_a_small_study(tmp_path: Path) -> None:
    plan = toys.planned(tmp_path, BASE)
    assert stages(plan) == {"prepare": 2, "train": 1, "evaluate": 3, "intervene": 1, "export": 1, "verdict": 1}
    original, drop = model_node(plan, "original"), model_node(plan, "drop")
    data, selection = original.recipe["inputs"]["data"], drop.recipe["inputs"]["selection"]
    assert plan.nodes[selection].recipe["inputs"] == {"of": data}
    assert plan.nodes[selection].recipe["params"]["where"] == "label = 1"
    assert (original.name, drop.name, plan.nodes[selection].name) == ("centroid-fit", "toy-drop", "forget-where")
    assert original.recipe["component"]["use"] == "training.toy.fit"
    assert original.recipe["model"]["use"] == "models.toy.centroid"
    assert original.recipe["params"] == {
        "epochs": 2, "noise": 0.01, "checkpoints": [], "replicates": 1, "sleep": 0.0, "fail": "", "gate": "",
    }  # fmt: skip
    assert (original.recipe["seed"], drop.recipe["seed"]) == (11, None)
    assert drop.recipe["kind"] == "unlearn"
    (native, exported) = [cell for cell in plan.cells if cell.variant == "drop"]
    assert (native.target, exported.target) == ("native", "toy")
    assert exported.metrics[0] == exported.export
    assert plan.nodes[exported.metrics[1]].recipe["inputs"]["export"] == exported.export


def test_code_of_the_model_is_in_the_key_of_the_training(tmp_path: Path) -> None:
    recipe = model_node(toys.planned(tmp_path, BASE), "original").recipe
    assert len(recipe["model"]["code"]) == len(recipe["component"]["code"]) == 16
    assert recipe["model"]["packages"].keys() == {"numpy", "pydantic"}


@pytest.mark.parametrize(
    ("change", "stage_changed"),
    [
        ({"dataset": {"rows": 11}}, {"prepare", "train", "intervene", "export", "evaluate", "verdict"}),
        ({"forget": {"where": "label = 2"}}, {"prepare", "intervene", "export", "evaluate", "verdict"}),
        ({"variants": {"original": {"train": {"epochs": 3}}}}, {"train", "intervene", "export", "evaluate", "verdict"}),
        ({"variants": {"drop": {"unlearn": {"far": 9}}}}, {"intervene", "export", "evaluate", "verdict"}),
        ({"variants": {"drop": {"unlearn": {"far": 100}}}}, set()),  # the default, written out
        ({"evaluate": [{"use": "toy_accuracy", "sleep": 1}]}, {"evaluate", "verdict"}),
        ({"evaluate": [{"use": "toy_accuracy"}, {"use": "toy_error"}]}, {"evaluate", "verdict"}),
        ({"absent": {"other": "left out"}}, {"verdict"}),
        ({"question": "Another?"}, set()),
        ({"resources": {"train": {"memory": "2 GB"}}}, set()),
        ({"notes": {"a": "b"}}, set()),
    ],
)
def test_which_keys_a_change_reaches(tmp_path: Path, change: dict[str, Any], stage_changed: set[str]) -> None:
    before, after = (
        toys.planned(tmp_path / name, content) for name, content in (("a", BASE), ("b", changed(**change)))
    )
    assert {node.stage for key, node in after.nodes.items() if key not in before.nodes} == stage_changed


def test_rows_to_retain_or_forget_are_in_the_recipe(tmp_path: Path) -> None:
    variants = {"retrained": {**ORIGINAL, "rows": "retain"}, "only": {**ORIGINAL, "rows": "forget"}}
    plan = toys.planned(tmp_path, changed(variants=variants))
    nodes = {name: model_node(plan, name) for name in ("original", "retrained", "only")}
    assert [node.recipe.get("rows") for node in nodes.values()] == [None, "retain", "forget"]
    assert ["selection" in node.recipe["inputs"] for node in nodes.values()] == [False, True, True]
    assert len({node.key for node in nodes.values()}) == 3


def test_analysis_is_measured_only_where_an_evaluation_names_it(tmp_path: Path) -> None:
    counted = {"from": "original", "analysis": {"use": "analysis.toy_count"}}
    evaluate = [{"use": "toy_accuracy"}, {"use": "toy_error", "of": ["counted"]}]
    plan = toys.planned(tmp_path, changed(variants={"counted": counted}, evaluate=evaluate))
    measured = {cell.variant: [plan.nodes[key].name for key in cell.metrics] for cell in plan.cells}
    assert measured["counted"] == ["toy-error"]
    assert measured["original"] == ["toy-accuracy"]


def test_a_target_at_some_values_of_an_axis(tmp_path: Path) -> None:
    axes = {"far": {"near": {"set": {"drop.far": 2}}, "wide": {"set": {"drop.far": 9}}}}
    plan = toys.planned(tmp_path, changed(axes=axes, targets={"drop": [{"use": "toy", "only": {"far": ["wide"]}}]}))
    assert [cell.variant for cell in plan.cells if cell.target == "toy"] == ["drop@far=wide"]
    assert sum(cell.target == "native" for cell in plan.cells if cell.variant.startswith("drop")) == 2
    (node,) = [node for node in plan.nodes.values() if node.stage == "export"]
    assert "only" not in node.recipe["params"]


def test_targets_of_the_configuration_narrow_the_study(tmp_path: Path) -> None:
    assert "export" in stages(toys.planned(tmp_path / "a", BASE, targets=["toy"]))
    assert "export" not in stages(toys.planned(tmp_path / "b", BASE, targets=["onnx"]))


def test_raw_file_is_in_the_recipe_by_content(tmp_path: Path) -> None:
    keys = []
    for name, text in (("a.txt", "1"), ("b.txt", "1"), ("c.txt", "2")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(text)
        plan = toys.planned(folder, changed(dataset={"shift_file": name}))
        node = plan.nodes[model_node(plan, "original").recipe["inputs"]["data"]]
        assert "shift_file" not in node.recipe["params"]
        assert node.paths == {"shift_file": name}
        assert plan.files == {name: node.recipe["files"]["shift_file"]}
        keys.append(node.key)
    assert keys[0] == keys[1] != keys[2]


def test_replicates_are_inherited_and_one_cell(tmp_path: Path) -> None:
    many = {**ORIGINAL, "replicates": 5}
    content = bare({"many": many, "moved": {**SHIFT, "from": "many"}}, seeds=[1, 2], evaluate=[{"use": "toy_accuracy"}])
    plan = toys.planned(tmp_path, content)
    assert [(cell.variant, cell.seed, cell.replicates) for cell in plan.cells] == [("many", 1, 5), ("moved", 1, 5)]
    assert plan.grid["variants"]["moved"]["seeds"] == list(range(5))
    assert {n.recipe["params"]["replicates"] for n in plan.nodes.values() if n.stage in ("train", "evaluate")} == {5}


def test_variant_with_a_dot_in_its_name_can_be_set(tmp_path: Path) -> None:
    axes = {"a": {"x": {"set": {"drop-0.9.far": 3, "drop-0.9.unlearn.lambda": 2}}}}
    plan = toys.planned(tmp_path, bare({"original": ORIGINAL, "drop-0.9": DROP}, axes=axes))
    assert model_node(plan, "drop-0.9@a=x").recipe["params"] == {"far": 3.0, "lambda": 2.0}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"dataset": {"use": "toy.ponts"}}, "use: toy.ponts", "unknown component 'toy.ponts' .did you mean 'toy.points'"),
    ({"dataset": {"rwos": 3}}, "rwos", "toy.points: unknown key 'rwos' .did you mean 'rows'"),
    ({"dataset": {"of": {"use": "toy.ring"}}}, "dataset:", "toy.points takes no dataset under `of`"),
    ({"dataset": {"use": "toy.shuffled", "rows": None}}, "dataset:", "toy.shuffled needs a dataset under `of`"),
    ({"forget": {"sample": 3}}, "forget:", "forget takes exactly one of where, sample, ids_file"),
    ({"forget": None}, "unlearn:", "unlearning.toy_drop reads the forget rows, but the study forgets nothing"),
    ({"variants": {"original": {"rows": "some"}}}, "rows: some", "rows: 'some' is not one of all, retain, forget"),
    ({"forget": None, "variants": {"original": {"rows": "retain"}}}, "rows: retain", "the study forgets nothing here"),
    ({"variants": {"drop": {"from": "original@e1"}}}, "from: original@e1", "keeps no checkpoint 'e1'; it keeps: none"),
    ({"variants": {"drop": {"with": ["original@e1"]}}}, "with:", "'original' keeps no checkpoint 'e1'"),
    ({"variants": {"drop": {"unlearn": {"lambda": -1}}}}, "lambda: -1", "lambda: .*greater than 0 .got -1"),
    ({"variants": {"drop": {"unlearn": {"lambda_": 1}}}}, "lambda_: 1", "unknown key 'lambda_' .did you mean 'lambda'"),
    ({"variants": {"original": {"model": {"balast": 1}}}}, "balast", "toy.centroid: unknown key 'balast'"),
    ({"variants": {"original": {"train": {"epochs": "{n}"}}}}, "train:", "'{n}': {n} is bound by no axis"),
    ({"targets": {"dorp": ["toy"]}}, "dorp:", "targets: 'dorp' is no variant; there are: original, drop"),
    ({"targets": {"drop": ["toyy"]}}, "drop:", "unknown component 'toyy'"),
    ({"targets": {"drop": [{"use": "toy", "only": {"far": ["x"]}}]}}, "- use: toy", "only: far=x is not on an axis"),
    ({"evaluate": [{"use": "toy_accuracy", "of": ["dorp"]}]}, "of:", "evaluate: 'dorp' is no variant"),
    ({"evaluate": [{"use": "toy_accuracy", "speel": 1}]}, "speel", "toy_accuracy: unknown key 'speel'"),
    ({"axes": {"a": {"x": {"set": {"dorp.far": 1}}}}}, "dorp.far: 1", "set: 'dorp' is no variant"),
    ({"variants": {"drop": {"only": {"a": ["x"]}}}}, "only:", "only: a=x is not on an axis"),
    ({"dataset": {"shift_file": "nowhere.txt"}}, "shift_file", "shift_file: no file nowhere.txt"),
]


@pytest.mark.parametrize(("change", "at", "message"), REFUSED, ids=[message[:40] for _, _, message in REFUSED])
def test_refused_at_its_line(tmp_path: Path, change: dict[str, Any], at: str, message: str) -> None:
    content = changed(**change)
    if "of" in content["dataset"]:
        content["dataset"]["rows"] = 3
    made = toys.project(tmp_path, {"tiny": content})
    lines = (tmp_path / "config" / "studies" / "tiny.yaml").read_text().splitlines()
    wanted = [number for number, text in enumerate(lines, 1) if at in text]
    with pytest.raises(UserError, match=message.replace("{", r"\{")) as caught:
        made.plan("tiny")
    text = str(caught.value)
    assert "\n" not in text
    line = int(text.split("tiny.yaml:")[1].split(":")[0])
    assert line in wanted, text


def test_exports_of_a_step_that_answers_a_request_do_not_see_its_rows(tmp_path: Path) -> None:
    request(tmp_path, "train-0001")
    own = {"forget": {"ids_file": "data/requests/R-2026-01.csv"}}
    plan = toys.planned(tmp_path, changed(variants={"drop": own}))
    model = model_node(plan, "drop")
    (export,) = [node for node in plan.nodes.values() if node.stage == "export"]
    tags = plan.nodes[model.recipe["inputs"]["selection"]].recipe["params"]["tags"]
    assert "without" not in model.recipe  # its step is told to forget them
    assert export.recipe["without"] == {"sample_id": tags}
    (measured,) = {node.recipe["inputs"]["selection"] for node in plan.nodes.values() if node.stage == "evaluate"}
    assert plan.nodes[measured].recipe["params"]["where"] == "label = 1"


def test_evaluations_look_at_the_rows_that_are_measured(tmp_path: Path) -> None:
    axes = {"of": {"all": {}, "one": {"measured": {"sample": 2}}}}
    plan = toys.planned(tmp_path, changed(measured={"where": "label = 2"}, axes=axes))
    found = {}
    for cell in plan.cells:
        for key in cell.metrics:
            selection = plan.nodes[key].recipe["inputs"].get("selection")
            if selection:
                found.setdefault(cell.variant.partition("@")[2], set()).add(plan.nodes[selection].name)
    assert found == {"of=all": {"forget-where"}, "of=one": {"forget-sample"}}
    drop = model_node(plan, "drop@of=all")
    assert plan.nodes[drop.recipe["inputs"]["selection"]].recipe["params"]["where"] == "label = 1"
    assert drop.key == model_node(plan, "drop@of=one").key
