"""Small metrics tables, written as `{(variant, metric, split): values by seed}`, and a claim decided on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from neurosieve.evaluation.claims.decide import decide
from neurosieve.evaluation.claims.grammar import parse_claims
from neurosieve.evaluation.claims.grid import Grid, VariantGrid
from neurosieve.evaluation.claims.verdicts import Verdict

COLUMNS = {
    "study": pl.String, "variant": pl.String, "target": pl.String, "seed": pl.Int64, "scale": pl.String,
    "metric": pl.String, "split": pl.String, "at": pl.String, "value": pl.Float64, "unit": pl.String,
    "n": pl.Int64, "model": pl.String,
}  # fmt: skip
SEEDS = (11, 12, 13)


def table_of(rows: Mapping[tuple[str, ...], Any], n: int = 0) -> pl.DataFrame:
    """Keys: variant, metric, split [, at [, target]]; values: one number, a list along SEEDS, or a dict by seed."""
    found = []
    for key, values in rows.items():
        variant, metric, split, at, target = (*key, *("", "native")[len(key) - 3 :])
        if isinstance(values, int | float):
            values = {11: values}
        if not isinstance(values, Mapping):
            values = dict(zip(range(11, 11 + len(values)), values, strict=True))
        found += [
            (
                "s",
                variant,
                target,
                seed,
                "default",
                metric,
                split,
                at,
                None if value is None else float(value),
                "",
                n,
                "k",
            )
            for seed, value in values.items()
        ]
    return pl.DataFrame(found, schema=COLUMNS, orient="row")


def claim_of(criterion: Any, **fields: Any) -> dict[str, Any]:
    """A raw claim whose lists of metrics and variants are those its expressions use."""
    metrics: set[str] = set()
    variants: set[str] = set()

    def visit(value: Any, bound: Mapping[str, Any]) -> None:
        if isinstance(value, list):
            for one in value:
                visit(one, bound)
        if not isinstance(value, dict):
            return
        bound = {**bound, **value.get("for_each", {})}
        of = value.get("of")
        metrics.update(
            bound["metric"] if value.get("metric") == "each" else [value["metric"]] if "metric" in value else []
        )
        names = [of] if isinstance(of, str) else next(iter(of.values())) if isinstance(of, dict) else []
        variants.update(one for name in names for one in (bound["variant"] if name == "each" else [name]))
        for key, inner in value.items():
            if key not in ("at", "for_each"):
                visit(inner, bound)

    visit([criterion, *fields.values()], {})
    return {
        "id": "C1", "says": "It holds.", "metrics": sorted(metrics), "variants": sorted(variants),
        "criterion": criterion, **fields,
    }  # fmt: skip


@pytest.fixture
def judge() -> Callable[..., Verdict]:
    """`judge(criterion, rows, **claim fields)` -> the verdict; `fixed`: variants that draw nothing."""

    def run(
        criterion: Any,
        rows: Mapping[tuple[str, ...], Any],
        *,
        items: pl.DataFrame | None = None,
        fixed: Sequence[str] = (),
        absent: Mapping[str, str] | None = None,
        scale: str = "default",
        n: int = 0,
        seeds: Sequence[int] = SEEDS,
        **fields: Any,
    ) -> Verdict:
        claims = parse_claims("s", [claim_of(criterion, **fields)])
        names = {key[0].partition("@")[0] for key in rows}
        grid = Grid({name: VariantGrid({}, [] if name in fixed else list(seeds), []) for name in names}, list(seeds))
        table = table_of(rows, n)
        return decide("s", claims, table, items=items, grid=grid, scale=scale, absent=absent or {})[0]

    return run
