from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from neurosieve.errors import UserError
from neurosieve.evaluation.claims.grammar import Claim, parse_claims
from neurosieve.evaluation.claims.grid import Grid, VariantGrid, check_axes, check_grid
from neurosieve.plan import yaml12

CLAIMS = Path(__file__).parents[2] / "data" / "claims"


def ssd() -> list[Claim]:
    written = yaml12.load(CLAIMS / "ssd.yaml")
    return parse_claims(written["study"], written["claims"])


def grid(**changes: Any) -> Grid:
    names = {variant for claim in ssd() for variant in claim.variants}
    axes = {"setting": ["full-class", "sub-class", "random"]}
    variants = {name: VariantGrid(axes, [11, 12, 13], []) for name in names} | changes
    return Grid({name: variant for name, variant in variants.items() if variant is not None}, [11, 12, 13])


def refused(claims: list[Claim], of: Grid, absent: dict[str, str] | None = None, scale: str = "default") -> str:
    with pytest.raises(UserError) as found:
        check_grid(claims, of, absent or {}, scale)
    return str(found.value)


def test_what_the_study_computes_passes() -> None:
    check_grid(ssd(), grid(), {}, "default")


def test_missing_variant() -> None:
    text = refused(ssd(), grid(unsir=None))
    assert text == (
        "claim S1: criterion.all_of[2].right: the study has no variant 'unsir'; "
        "add it to the study, or declare 'unsir' absent with the reason"
    )
    check_grid(ssd(), grid(unsir=None), {"unsir": "no code"}, "default")
    assert "no variant 'unsir'" in refused(ssd(), grid(unsir=None), scale="smoke")


def test_missing_axis_value() -> None:
    poor = grid(ssd=VariantGrid({"setting": ["full-class", "random"]}, [11, 12, 13], []))
    text = refused(ssd(), poor)
    assert "claim S5" in text
    assert "the study does not compute ssd@setting=sub-class; its setting is full-class, random" in text
    for key in ("setting=sub-class", "ssd@setting=sub-class", "ssd"):
        check_grid(ssd(), poor, {key: "later"}, "default")
    check_grid(ssd(), poor, {}, "smoke")


def test_values_are_compared_as_numbers_and_metric_axes_are_left_alone() -> None:
    written = yaml12.load(CLAIMS / "granet.yaml")
    claims = parse_claims("granet", written["claims"])
    names = {variant for claim in claims for variant in claim.variants}
    axes = {"density": ["0.05", "2e-2", "0.010"]}
    of = Grid({name: VariantGrid(axes, [1, 2, 3], []) for name in names}, [1, 2, 3])
    check_grid(claims, of, {}, "default")


def test_targets() -> None:
    leaf = {"metric": "accuracy", "of": "ssd", "target": "onnx-int8"}
    raw = {"id": "C5", "says": "x", "metrics": ["accuracy"], "variants": ["ssd"]}
    claims = parse_claims("s", [{**raw, "criterion": {"left": leaf, "is": "above", "right": 0}}])
    plain = VariantGrid({}, [1, 2], ["onnx"])
    assert "'ssd' has no target 'onnx-int8'; it has native, onnx" in refused(claims, Grid({"ssd": plain}, [1, 2]))
    check_grid(claims, Grid({"ssd": plain}, [1, 2]), {"target=onnx-int8": "no runtime"}, "default")
    check_grid(claims, Grid({"ssd": VariantGrid({}, [1, 2], ["onnx-int8"])}, [1, 2]), {}, "default")


def test_too_few_seeds() -> None:
    few = grid(original=VariantGrid({}, [11], []))
    assert "'original' has 1 seeds and the claim needs 2 (min_seeds)" in refused(ssd(), few)
    check_grid(ssd(), few, {"seeds": "one is enough here"}, "default")
    check_grid(ssd(), few, {}, "smoke")
    check_grid(ssd(), grid(original=VariantGrid({}, [], [])), {}, "default")


def test_each_of_a_for_each() -> None:
    that = {"left": {"metric": "accuracy", "of": "each"}, "is": "above", "right": 0}
    raw = {"id": "C1", "says": "x", "metrics": ["accuracy"], "variants": ["a", "b"]}
    claims = parse_claims("s", [{**raw, "criterion": {"for_each": {"variant": ["a", "b"]}, "that": that}}])
    assert "no variant 'b'" in refused(claims, Grid({"a": VariantGrid({}, [1, 2], [])}, [1, 2]))


CRITERION = {"left": {"metric": "accuracy", "of": "a", "at": {"noise": 0}}, "is": "above", "right": 0.5}


def axes_checked(criterion: dict[str, Any], at: dict[str, Any], absent: dict[str, str] | None = None) -> None:
    raw = {"id": "C1", "says": "so", "metrics": ["accuracy"], "variants": ["a"], "criterion": criterion, "at": at}
    measured = pl.DataFrame({"variant": ["a@noise=0", "a@noise=1"], "at": ["depth=3", None]})
    check_axes(
        parse_claims("s", [raw]), measured, Grid({"a": VariantGrid({"size": ["1"]}, [1], [])}, [1]), absent or {}
    )


def test_axes_of_variants_metrics_and_grid_may_be_bound() -> None:
    axes_checked(CRITERION, {})
    axes_checked({"for_each": {"depth": "all", "seed": "all"}, "that": CRITERION}, {"size": 1})


@pytest.mark.parametrize(
    ("criterion", "at", "said"),
    [
        (CRITERION, {"nois": 0}, "at: neither a variant nor a metric of this study has the axis 'nois' (did you mean"),
        ({**CRITERION, "left": {**CRITERION["left"], "at": {"nois": 0}}}, {}, "criterion.left.at: neither"),
        ({"for_each": {"dept": "all"}, "that": CRITERION}, {}, "criterion.for_each: neither"),
    ],
)
def test_an_axis_that_nothing_has_is_refused(criterion: dict[str, Any], at: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as found:
        axes_checked(criterion, at)
    assert said in str(found.value)
    assert str(found.value).endswith("there are: depth, noise, size")


def test_an_axis_declared_absent_is_known() -> None:
    axes_checked(CRITERION, {"width": 2}, {"a@width=2": "full scale only"})
