"""Verdicts depend on what is measured and claimed, not on the order of rows, columns or keys; data never raise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims import walk
from neurosieve.evaluation.claims.decide import decide, summary, verdicts_frame
from neurosieve.evaluation.claims.grammar import Claim, parse_claims
from neurosieve.evaluation.claims.grid import Grid, VariantGrid
from neurosieve.plan import yaml12

PATHS = sorted((Path(__file__).parents[2] / "data" / "claims").glob("*.yaml"))
OPTIONS = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
NUMBERS = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0, float("nan"), float("inf"), -1e12, 1e-300]))


def names_of(use: walk.Use) -> list[tuple[str, str, str, str]]:
    """Variant, metric, target and split of every series a leaf reads."""
    leaf = use.leaf
    metrics = use.bound["metric"] if leaf.metric == "each" else [leaf.metric]
    variants = [v for of in walk.named_variants(leaf.of) for v in (use.bound["variant"] if of == "each" else [of])]
    return [
        (variant, metric, leaf.target, leaf.split or vocabulary.home_split(metric))
        for variant in variants
        for metric in metrics
    ]


def series(claims: list[Claim]) -> dict[tuple[str, str, str, str], dict[str, set[str]]]:
    """Every series that claims read, with the axis values they name."""
    found: dict[tuple[str, str, str, str], dict[str, set[str]]] = {}
    for claim in claims:
        for use in claim.uses():
            axes = {
                **claim.at,
                **{k: v for k, v in use.bound.items() if k not in ("seed", "variant", "metric")},
                **use.leaf.at,
            }
            for key in names_of(use):
                known = found.setdefault(key, {})
                for axis, values in axes.items():
                    listed = values if isinstance(values, list) else [values]
                    known.setdefault(axis, set()).update("7" if value == "all" else str(value) for value in listed)
    return found


@st.composite
def tables(draw: st.DrawFn, claims: list[Claim]) -> pl.DataFrame:
    seeds = draw(st.sampled_from([[11], [11, 12], [11, 12, 13], [11, 12, 13, 14, 15]]))
    rows = []
    for (variant, metric, target, split), axes in sorted(series(claims).items()):
        if draw(st.integers(0, 15)) == 0:
            continue
        points = [""]
        for axis in sorted(axes):
            values = sorted(axes[axis])[:3]
            points = [f"{point},{axis}={value}".strip(",") for point in points for value in values][:12]
        for point in points:
            values = draw(st.lists(NUMBERS, min_size=len(seeds), max_size=len(seeds)))
            name, at = (variant, point) if metric == "plasticity" else (f"{variant}@{point}" if point else variant, "")
            rows += [
                ("x", name, target, seed, "default", metric, split, at, value, "", 5, "k")
                for seed, value in zip(seeds, values, strict=True)
            ]
    schema = ["study", "variant", "target", "seed", "scale", "metric", "split", "at", "value", "unit", "n", "model"]
    kinds = dict.fromkeys(schema, pl.String) | {"seed": pl.Int64, "value": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def turned(value: Any) -> Any:
    """The same mapping with its keys the other way round, all the way down."""
    if isinstance(value, dict):
        # A mapping under `pool` is read in written order: there the order is meaning.
        return {k: value[k] if k == "pool" else turned(value[k]) for k in reversed(list(value))}
    return [turned(one) for one in value] if isinstance(value, list) else value


def outcome(claims: list[Claim], table: pl.DataFrame) -> list[Any]:
    seeds = sorted(set(table["seed"]))
    grid = Grid({name: VariantGrid({}, seeds, []) for claim in claims for name in claim.variants}, seeds)
    verdicts = decide("x", claims, table, items=None, grid=grid, scale="default")
    assert len(verdicts_frame(verdicts)) == len(claims)
    assert summary(verdicts)["claims"] == len(claims)
    for verdict in verdicts:
        assert verdict.reason
        assert (verdict.firm is None) == (verdict.verdict in ("inconclusive", "not decided"))
        assert verdict.luck is None or 0 <= verdict.luck <= 1
        json.dumps(verdict.as_dict(), allow_nan=False)
    return [verdict.as_dict() for verdict in verdicts]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
@OPTIONS
@given(data=st.data())
def test_order_never_counts(path: Path, data: st.DataObject) -> None:
    raw = yaml12.load(path)["claims"]
    claims = parse_claims("x", raw)
    table = data.draw(tables(claims))
    expected = outcome(claims, table)
    shuffled = table.sample(fraction=1, shuffle=True, seed=data.draw(st.integers(0, 99))).select(table.columns[::-1])
    assert outcome(claims, shuffled) == expected
    other = parse_claims("x", turned(raw))
    found = outcome(other, table)
    for one, two in zip(expected, found, strict=True):
        assert (one["verdict"], one["hash"], one["firm"]) == (two["verdict"], two["hash"], two["firm"])


@pytest.mark.parametrize("path", PATHS[:3], ids=lambda path: path.stem)
@OPTIONS
@given(data=st.data())
def test_rows_of_others_never_count(path: Path, data: st.DataObject) -> None:
    claims = parse_claims("x", yaml12.load(path)["claims"])
    table = data.draw(tables(claims))
    elsewhere = [table.with_columns(study=pl.lit("y")), table.with_columns(scale=pl.lit("full"))]
    noise = [frame.with_columns(value=pl.lit(0.123)) for frame in elsewhere]
    assert outcome(claims, pl.concat([*noise, table, table])) == outcome(claims, table)


@OPTIONS
@given(st.lists(st.floats(-5, 5).map(lambda x: round(x, 3)), min_size=2, max_size=6), st.floats(-5, 5))
def test_not_is_the_opposite_and_a_pair_is_its_single(values: list[float], right: float) -> None:
    compare = {"left": {"metric": "accuracy", "of": "a"}, "is": "above", "right": right}
    table = pl.DataFrame({
        "variant": ["a"] * len(values), "metric": ["accuracy"] * len(values), "split": ["test"] * len(values),
        "seed": list(range(len(values))), "value": values,
    })  # fmt: skip
    forms = [compare, {"not": compare}, {"all_of": [compare, compare]}, {"any_of": [compare, compare]}]
    fields = {"says": "x", "metrics": ["accuracy"], "variants": ["a"]}
    claims = parse_claims("x", [{"id": str(place), "criterion": form, **fields} for place, form in enumerate(forms)])
    plain, negated, both, either = outcome(claims, table)
    opposite = {"holds": "fails", "fails": "holds"}
    assert negated["verdict"] == opposite[plain["verdict"]]
    assert {plain["firm"], both["firm"], either["firm"], negated["firm"]} == {plain["firm"]}
    assert plain["verdict"] == both["verdict"] == either["verdict"]


@OPTIONS
@given(st.lists(st.floats(0, 1), min_size=3, max_size=6), st.floats(0.01, 1))
def test_raising_the_threshold_never_helps(values: list[float], step: float) -> None:
    table = pl.DataFrame({
        "variant": ["a"] * len(values), "metric": ["loss_of_mine"] * len(values), "split": ["test"] * len(values),
        "seed": list(range(len(values))), "value": values,
    })  # fmt: skip
    fields = {"says": "x", "metrics": ["loss_of_mine"], "variants": ["a"]}
    compare = {"left": {"metric": "loss_of_mine", "of": "a"}, "is": "above", "confidence": {"interval": 0.9}}
    raw = [{"id": str(place), "criterion": {**compare, "right": step * place}, **fields} for place in range(6)]
    claims = parse_claims("x", raw)
    held = [verdict["verdict"] == "holds" for verdict in outcome(claims, table)]
    assert held == sorted(held, reverse=True)
