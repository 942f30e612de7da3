"""Plans: keys are hashes of recipes, a plan survives its cache, thousands of points stay apart."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import toys
from tests.toys import ORIGINAL, bare

from neurosieve.plan.nodes import StudyPlan, canonical, key_of
from neurosieve.plan.study import Resources

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


def shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shuffled(value[key]) for key in reversed(value)}
    return [shuffled(item) for item in value] if isinstance(value, list) else value


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_key_does_not_depend_on_the_order_of_keys(recipe: dict[str, Any]) -> None:
    assert key_of(recipe) == key_of(shuffled(recipe))
    assert key_of(recipe) == key_of(json.loads(canonical(recipe)))
    assert len(key_of(recipe)) == 16
    assert set(key_of(recipe)) <= set("0123456789abcdef")


@given(JSON, JSON)
def test_different_values_have_different_keys(one: Any, other: Any) -> None:
    assert (key_of({"a": one}) == key_of({"a": other})) == (canonical(one) == canonical(other))


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (1, "1"), ([1, 2], [2, 1]), (None, 0), ({}, [])])
def test_values_that_are_not_the_same(one: Any, other: Any) -> None:
    assert key_of({"a": one}) != key_of({"a": other})


def test_numbers_that_are_not_finite_have_no_key() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        key_of({"a": float("nan")})


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> StudyPlan:
    return toys.planned(tmp_path_factory.mktemp("plan"), toys.study())


def test_equal_recipes_are_one_node_and_the_stage_counts() -> None:
    plan = StudyPlan("tiny", "default")
    first = plan.add("train", "a", {"x": 1}, (), "first", Resources())
    assert plan.add("train", "b", {"x": 1}, (), "second", Resources()) is first
    assert plan.add("prepare", "a", {"x": 1}, (), "first", Resources()) is not first
    assert first.folder == f"train/a-{first.key}"


def test_plan_survives_its_cache(plan: StudyPlan) -> None:
    back = StudyPlan.loads(plan.dumps())
    assert back == plan
    assert list(back.nodes) == list(plan.nodes)
    assert all(key_of({"stage": node.stage, **node.recipe}) == key for key, node in back.nodes.items())


def test_inputs_come_before_what_needs_them(plan: StudyPlan) -> None:
    seen: set[str] = set()
    for node in plan.nodes.values():
        assert set(node.inputs) <= seen
        seen.add(node.key)


def test_ancestors_and_descendants_are_each_others_mirror(plan: StudyPlan) -> None:
    for node in plan.nodes.values():
        above = [other.key for other in plan.with_ancestors(node.key)]
        assert above[-1] == node.key
        assert len(above) == len(set(above))
        for key in above[:-1]:
            assert node in plan.descendants(key)
    assert {node.key for node in plan.with_ancestors(plan.verdict)} <= set(plan.nodes)


def test_address(plan: StudyPlan) -> None:
    drop = toys.model_node(plan, "drop", 12)
    for text in (drop.key, f"{drop.name}-{drop.key}", "drop/12", "tiny/drop/12", "drop/seed12"):
        assert plan.address(text) is drop
    assert plan.address("drop/12/toy").stage == "export"
    assert plan.address("drop").stage == "intervene"
    for text in ("nothing/11", "drop/99", "original/11/toy", "", "0" * 16):
        with pytest.raises(KeyError):
            plan.address(text)


def test_address_that_fits_several_points(tmp_path: Path) -> None:
    plan = toys.planned(tmp_path, bare({"original": {**ORIGINAL, "sweep": {"epochs": [1, 2]}}}))
    with pytest.raises(KeyError):
        plan.address("original/11")
    assert plan.address("original@epochs=2/11").recipe["params"]["epochs"] == 2


def test_two_thousand_points_expand_to_distinct_keys(tmp_path: Path) -> None:
    steps = {
        "original": ORIGINAL,
        "shifted": {
            "from": "original",
            "adapt": {"use": "adaptation.toy_shift"},
            "sweep": {"by": list(range(40)), "scale": [1 + step / 50 for step in range(50)]},
        },
    }
    plan = toys.planned(tmp_path, bare(steps, evaluate=[{"use": "toy_error"}]))
    stages = [node.stage for node in plan.nodes.values()]
    assert {stage: stages.count(stage) for stage in set(stages)} == {
        "prepare": 1,
        "train": 1,
        "intervene": 2000,
        "evaluate": 2001,
        "verdict": 1,
    }
    assert len({cell.variant for cell in plan.cells}) == len({cell.model for cell in plan.cells}) == 2001
    assert StudyPlan.loads(plan.dumps()) == plan
