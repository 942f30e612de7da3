"""The rule: which rows a node read and what for, by its recipe, for every kind of node."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from tests.toys import source

from neurosieve.requests.reads import Code, _uses, reads

SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def code() -> Code:
    return Code(source())


def recipe(code: Code, use: str, **more: Any) -> dict[str, Any]:
    """A recipe of the component as it is here; `code` instead of another one."""
    own = more.pop("own", None) or code.source.code(f"neurosieve.{use}")
    return {"component": {"use": use, "code": own}, "inputs": {"data": "d", **more.pop("inputs", {})}, **more}


def told(code: Code, stage: str, use: str, splits: tuple[str, ...] = SPLITS, **more: Any) -> set[tuple[str, str, str]]:
    return {(one.split, one.part, one.how) for one in reads(stage, recipe(code, use, **more), splits, code)}


FIT = "training.toy.fit"
SHIFT = "interventions.adaptation.toy_shift"
RETAINED = "interventions.adaptation.finetune_retained"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {("train", "all", "learned")}),
        ({"rows": "retain"}, {("train", "retain", "learned")}),
        ({"rows": "forget"}, {("train", "forget", "learned")}),
        ({"own": "0" * 16}, {("train", "all", "learned"), ("validation", "all", "chosen")}),
        ({"own": "0" * 16, "rows": "retain"}, {("train", "retain", "learned"), ("validation", "retain", "chosen")}),
    ],
)
def test_trainings_read_the_rows_that_the_recipe_names(code: Code, more: dict[str, Any], expected: set) -> None:
    """Of code that is not here any more, other splits may have chosen or stopped."""
    assert told(code, "train", FIT, **more) == expected


def test_trainings_that_read_no_row_and_weights_from_elsewhere(code: Code) -> None:
    assert told(code, "train", "training.given.nothing") == set()
    assert told(code, "train", "training.sharded.ensemble") == set(), "its shards did"
    everything = {("train", "all", "learned"), ("validation", "all", "chosen")}
    assert told(code, "train", "training.given.weights") == everything
    assert told(code, "train", "training.gone.with_the_wind", own="1" * 16) == everything


CHOICE = {"split": "validation", "judge": {}}


@pytest.mark.parametrize(
    ("use", "more", "expected"),
    [
        (SHIFT, {}, set()),
        (RETAINED, {}, {("train", "retain", "learned")}),
        (RETAINED, {"own": "0" * 16}, {("train", "all", "learned"), ("validation", "all", "learned")}),
        ("interventions.unlearning.ssd", {}, {("train", "forget", "learned")}),
        ("interventions.unlearning.amnesiac", {}, {("train", "forget", "learned"), ("train", "retain", "learned")}),
        ("interventions.analysis.importance", {"kind": "analysis"}, {("train", "all", "computed")}),
        (SHIFT, {"choose": CHOICE}, {("validation", "all", "chosen")}),
        (SHIFT, {"choose": {**CHOICE, "rule": "strongest-within"}}, {("validation", "retain", "chosen")}),
        (SHIFT, {"choose": {**CHOICE, "split": "forget"}}, {("train", "all", "chosen")}),
        ("interventions.adaptation.toy_peek", {}, {("train", "all", "learned"), ("validation", "all", "learned")}),
    ],
)
def test_interventions_read_what_their_code_takes_and_their_choice_sees(
    code: Code, use: str, more: dict[str, Any], expected: set
) -> None:
    assert told(code, "intervene", use, **more) == expected


def test_exports_evaluations_and_datasets(code: Code) -> None:
    shown = {("train", "all", "computed"), ("validation", "all", "computed")}
    assert told(code, "export", "export.onnx") == shown
    retained = {(split, "retain", how) for split, _, how in shown}
    assert told(code, "export", "export.onnx_int8", inputs={"selection": "s"}) == retained
    assert told(code, "export", "export.onnx", ("train", "test")) == {("train", "all", "computed")}
    assert told(code, "evaluate", "evaluation.classification") == {(split, "all", "measured") for split in SPLITS}
    assert told(code, "prepare", "datasets.toy.people") == set()
    assert reads("verdict", {"inputs": {}}, SPLITS, code) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return model", set()),
        ("return data.info, data.selection", set()),
        ("x = data.train.x; y = data.forget", {("train", "all"), ("train", "forget")}),
        ("return data.part('retain', 'validation').x", {("validation", "retain")}),
        ("return data.part('retain'), data.split('validation')", {("train", "retain"), ("validation", "all")}),
        ("return data.part(name)", None),
        ("return data.part('retain', split=name)", None),
        ("return [data.split(n) for n in names]", None),
        ("return data.splits", None),
        ("return fitted(model, data)", None),
        ("part = data; return part.train", None),
        ("return data.forget.y, helper(data.retain)", {("train", "forget"), ("train", "retain")}),
    ],
)
def test_what_a_verb_takes_of_its_data(body: str, expected: set[tuple[str, str]] | None) -> None:
    verb = ast.parse(f"def intervene(model, data, params):\n    {body}\n").body[0]
    assert isinstance(verb, ast.FunctionDef)
    found = _uses(verb)
    assert (None if found is None else set(found)) == expected
