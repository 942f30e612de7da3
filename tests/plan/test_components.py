"""Components: found on disk by name, known from their syntax, refused with the nearest name."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from tests.toys import sources

from neurosieve.artifacts.raw import RawFile
from neurosieve.errors import UserError
from neurosieve.plan.components import (
    ParamsError,
    available,
    checked_params,
    explain,
    field_names,
    files_of,
    find,
    params_class,
)
from neurosieve.plan.fingerprint import Source


@pytest.fixture(scope="module")
def source() -> Source:
    return Source(sources())


def test_what_is_known_without_importing(source: Source) -> None:
    drop = find(source, "interventions", "unlearning.toy_drop")
    assert drop.module == "neurosieve.interventions.unlearning.toy_drop"
    assert (drop.views, drop.delta, drop.draws) == (("forget",), False, False)
    assert find(source, "interventions", "analysis.toy_count").delta
    assert find(source, "training", "toy.fit").draws
    assert find(source, "evaluation", "toy_spread").looks_at == "study"
    assert find(source, "evaluation", "toy_accuracy").targets
    assert not find(source, "evaluation", "toy_error").targets
    assert not find(source, "models", "toy.centroid").builds_at_random
    assert find(source, "models", "vision.resnet9").builds_at_random
    assert drop.recipe().keys() == {"use", "code", "packages"}
    assert drop.recipe()["use"] == "interventions.unlearning.toy_drop"


@pytest.mark.parametrize(
    ("package", "use", "message"),
    [
        ("interventions", "unlearning.toy_dorp", "unknown component 'unlearning.toy_dorp' .did you mean 'unlearning."),
        ("datasets", "nothing.like.it", "unknown component 'nothing.like.it'; datasets has: .*selection.where"),
        ("datasets", "transforms", "'transforms' is no component: neurosieve.datasets.transforms has no function"),
        ("datasets", "toy", "'toy' is no component"),
        ("datasets", "Toy.Points", "unknown component 'Toy.Points'"),
        ("datasets", "../etc", "unknown component '../etc'"),
        ("datasets", "toy..points", "unknown component"),
        ("datasets", 3, "unknown component '3'"),
        ("datasets", "", "unknown component ''"),
    ],
)
def test_unknown_component(source: Source, package: str, use: object, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        find(source, package, use)
    assert "\n" not in str(caught.value)


def test_hyphens_name_the_same_module(source: Source) -> None:
    one, other = (find(source, "interventions", use) for use in ("unlearning.toy-drop", "unlearning.toy_drop"))
    assert one.module == other.module


def test_available_names_are_found(source: Source) -> None:
    for package in ("datasets", "models", "training", "interventions", "export", "evaluation"):
        names = available(source, package)
        assert names == sorted(names)
        assert all(find(source, package, name).use == name for name in names)
    assert "transforms" not in available(source, "datasets")


class Little(BaseModel):
    """Parameters of a component that a test makes up."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    alpha: float = Field(1.0, gt=0)
    lambda_: float = Field(1.0, alias="lambda")
    count: int
    file: RawFile | None = None


@pytest.mark.parametrize(
    ("params", "text", "place"),
    [
        ({"count": 1, "alhpa": 2}, "unknown key 'alhpa' (did you mean 'alpha'?); allowed: alpha, lambda, count, file",
         ("alhpa",)),
        ({}, "key 'count' is missing", ("count",)),
        ({"count": 1, "alpha": -1}, "alpha: Input should be greater than 0 (got -1)", ("alpha",)),
        ({"count": "x" * 99}, f"(got '{'x' * 56}...)", ("count",)),
    ],
)  # fmt: skip
def test_explanations_name_field_and_what_is_allowed(params: dict, text: str, place: tuple) -> None:
    with pytest.raises(ValidationError) as caught:
        Little.model_validate(params)
    found, where = explain(caught.value, field_names(Little))
    assert text in found
    assert where == place


def test_parameters_are_completed_by_their_yaml_names(source: Source) -> None:
    drop = find(source, "interventions", "unlearning.toy_drop")
    assert checked_params(drop, {"far": 5}) == {"far": 5.0, "lambda": 1.0}
    assert checked_params(drop, {"lambda": 2}) == {"far": 100.0, "lambda": 2.0}
    with pytest.raises(
        ParamsError, match=r"unlearning\.toy_drop: unknown key 'fra' \(did you mean 'far'\?\)"
    ) as caught:
        checked_params(drop, {"fra": 5})
    assert caught.value.field == ("fra",)


def test_raw_files_are_found_below_the_project(source: Source, tmp_path: Path) -> None:
    points = find(source, "datasets", "toy.points")
    (tmp_path / "shift.txt").write_text("1")
    assert files_of(points, {"shift_file": "shift.txt"}, tmp_path) == {"shift_file": tmp_path / "shift.txt"}
    assert files_of(points, {"shift_file": None}, tmp_path) == {}
    with pytest.raises(ParamsError, match=r"toy\.points: shift_file: no file nowhere\.txt"):
        files_of(points, {"shift_file": "nowhere.txt"}, tmp_path)


def test_params_class_is_the_modules(source: Source) -> None:
    assert params_class(find(source, "training", "toy.fit")).model_fields.keys() >= {"epochs", "noise"}
