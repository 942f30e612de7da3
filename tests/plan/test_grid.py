"""The grid: variants crossed with axes, sweeps and seeds; names that sort; values bound by the seed's position."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neurosieve.errors import UserError
from neurosieve.plan.grid import Cells, Point, split_checkpoint, substitute
from neurosieve.plan.study import load_study

TRAINING = {"model": {"use": "m"}, "train": {"use": "t"}}
STEP = {"prune": {"use": "pruning.p"}}


def cells(folder: Path, variants: dict[str, Any], axes: dict[str, Any] | None = None, seeds: Any = (1, 2)) -> Cells:
    content = {"question": "?", "dataset": {"use": "d"}, "seeds": list(seeds), "axes": axes or {}, "variants": variants}
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return Cells(load_study(path, "default"))


def names(grid: Cells, variant: str) -> list[str]:
    return [point.name for point in grid.points(variant)]


def test_point_names_sort_axes_and_sweep_together() -> None:
    assert Point("v", {"z": "1", "b": "x"}, {"m": 0.5}).name == "v@b=x,m=0.5,z=1"
    assert Point("v", {}, {}).name == "v"


def test_axes_and_sweeps_cross_in_the_order_of_the_file(tmp_path: Path) -> None:
    variants = {"a": TRAINING, "b": {"from": "a", **STEP, "sweep": {"p": [1, 2]}}, "c": {"from": "b", **STEP}}
    grid = cells(tmp_path, variants, {"set": {"x": {}, "y": {}}})
    assert names(grid, "a") == ["a@set=x", "a@set=y"]
    assert names(grid, "b") == [f"b@p={p},set={s}" for s in "xy" for p in (1, 2)]
    assert names(grid, "c") == [name.replace("b@", "c@") for name in names(grid, "b")]


def test_only_narrows_a_variant_and_all_that_is_made_from_it(tmp_path: Path) -> None:
    variants = {
        "a": TRAINING,
        "b": {"from": "a", **STEP, "only": {"set": ["y", "z"]}},
        "c": {"from": "b", **STEP, "only": {"set": ["x", "y"]}},
        "d": {"from": "a", "with": ["b"], **STEP},
    }
    grid = cells(tmp_path, variants, {"set": {"x": {}, "y": {}, "z": {}}})
    assert [names(grid, v) for v in "bcd"] == [["b@set=y", "b@set=z"], ["c@set=y"], ["d@set=y", "d@set=z"]]


@pytest.mark.parametrize(
    ("variants", "axes", "message"),
    [
        ({"a": TRAINING, "b": {"from": "x", **STEP}}, {}, "variant 'b': from names 'x', which is no variant; .*: a, b"),
        ({"a": TRAINING, "b": {"from": "a", "with": ["y"], **STEP}}, {}, "variant 'b': with names 'y'"),
        ({"b": {"from": "c", **STEP}, "c": {"from": "b", **STEP}}, {}, "variants loop: b -> c -> b"),
        ({"b": {"from": "b", **STEP}}, {}, "variants loop: b -> b"),
        ({"a": {**TRAINING, "sweep": {"s": [1]}}}, {"s": {"x": {}}}, "sweep: 's' is an axis of this study"),
        ({"a": {**TRAINING, "sweep": {"p": [1, 1]}}}, {}, "sweep: 'p' needs values that differ"),
        (
            {"a": {**TRAINING, "sweep": {"p": [1]}}, "b": {"from": "a", **STEP, "sweep": {"p": [2]}}},
            {},
            "variant 'b': sweep: 'p' is swept already by what it is made from, 'a'",
        ),
        (
            {
                "a": {**TRAINING, "sweep": {"p": [1]}},
                "b": {**TRAINING, "sweep": {"p": [2]}},
                "c": {"from": "a", "with": ["b"], **STEP},
            },
            {},
            "variant 'c' is made from variants that sweep 'p' over different values",
        ),
    ],
)
def test_trees_and_sweeps_that_are_refused(tmp_path: Path, variants, axes, message: str) -> None:
    with pytest.raises(UserError, match=rf"tiny\.yaml:\d+: .*{message}"):
        cells(tmp_path, variants, axes).check_tree()


def test_sweep_shared_by_both_parents_is_one_axis(tmp_path: Path) -> None:
    variants = {
        "a": {**TRAINING, "sweep": {"p": [1, 2]}},
        "b": {"from": "a", **STEP},
        "c": {"from": "a", **STEP},
        "d": {"from": "b", "with": ["c"], **STEP},
    }
    grid = cells(tmp_path, variants)
    grid.check_tree()
    assert names(grid, "d") == ["d@p=1", "d@p=2"]


def test_only_on_what_is_no_axis(tmp_path: Path) -> None:
    grid = cells(tmp_path, {"a": {**TRAINING, "only": {"set": ["q"]}}}, {"set": {"x": {}}})
    with pytest.raises(UserError, match=r"tiny\.yaml:\d+: only: set=q is not on an axis of this study; set has: x"):
        list(grid.points("a"))


AXIS = {"set": {"x": {"bind": {"k": [10, 20, 30]}}}}


@pytest.mark.parametrize(("seed", "value"), [(1, 10), (2, 20), (5, 30), (7, 10), (8, 20)])
def test_values_are_bound_by_position(tmp_path: Path, seed: int, value: int) -> None:
    """In the study's seeds, else in those of the first variant that has the seed."""
    variants = {"a": TRAINING, "b": {"from": "a", **STEP, "seeds": [2, 1, 5]}, "c": {**TRAINING, "seeds": [7, 8]}}
    grid = cells(tmp_path, variants, AXIS)
    for variant in variants:
        assert grid.bindings(Point(variant, {"set": "x"}, {}), seed) == {"k": value}


def test_too_few_bound_values(tmp_path: Path) -> None:
    grid = cells(tmp_path, {"a": TRAINING}, AXIS, seeds=[1, 2, 3, 4])
    with pytest.raises(UserError, match=r"tiny\.yaml:\d+: bind: k has 3 values, seed 4 is number 4"):
        grid.bindings(Point("a", {"set": "x"}, {}), 4)


def test_later_axis_sets_over_an_earlier_one(tmp_path: Path) -> None:
    axes = {"one": {"x": {"set": {"a.p": 1, "a.q": 1}}}, "two": {"y": {"set": {"a.p": 2}}}}
    grid = cells(tmp_path, {"a": TRAINING}, axes)
    assert grid.settings(next(grid.points("a"))) == {"a.p": 2, "a.q": 1}


@pytest.mark.parametrize(
    ("name", "parts"),
    [("dense@e4", ("dense", "e4")), ("dense", ("dense", None)), ("a-b.c@task_3", ("a-b.c", "task_3")),
     ("dense@4", ("dense@4", None)), ("dense@a=1", ("dense@a=1", None))],
)  # fmt: skip
def test_checkpoint_in_a_name(name: str, parts: tuple[str, str | None]) -> None:
    assert split_checkpoint(name) == parts


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("{k}", 3), ("label = {k}", "label = 3"), ("{k}{t}", "3word"), ("plain", "plain"), (7, 7), (None, None),
        ({"a": ["{k}", {"b": "{t}"}]}, {"a": [3, {"b": "word"}]}), ("{l}", [1, 2]),
    ],
)  # fmt: skip
def test_substitution_keeps_types_where_it_can(value: Any, result: Any) -> None:
    found = substitute(value, {"k": 3, "t": "word", "l": [1, 2]})
    assert found == result
    assert type(found) is type(result)


def test_unbound_name_is_refused() -> None:
    with pytest.raises(UserError, match=r"'label = \{q\}': \{q\} is bound by no axis; bound here: k"):
        substitute("label = {q}", {"k": 1})


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers(), min_size=1), st.data())
def test_point_names_do_not_depend_on_the_order_of_axes(axes: dict[str, int], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(list(axes.items())))
    cut = data.draw(st.integers(0, len(shuffled)))
    first, rest = dict(shuffled[:cut]), dict(shuffled[cut:])
    named = Point("v", {name: str(value) for name, value in first.items()}, rest).name
    assert named == Point("v", {}, axes).name
