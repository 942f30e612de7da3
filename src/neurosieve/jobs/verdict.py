"""The verdict stage: a study's metrics collected into one tidy table, and its claims decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from neurosieve.artifacts.metrics import COLLECTED, read_metrics
from neurosieve.errors import UserError
from neurosieve.jobs.load import Inputs
from neurosieve.plan.nodes import StudyPlan

if TYPE_CHECKING:
    from neurosieve.evaluation.claims.grammar import Claim
    from neurosieve.evaluation.claims.grid import Grid

Reader = Callable[[str], Path | None]
"""Directory of a node by key, None where it was not computed."""


def collect(plan: StudyPlan, directory: Reader, name: str = "metrics") -> pl.DataFrame:
    """`metrics`, `timings` or `items` of every cell in the collected schema (`items`: `item` in place of `n`)."""
    from neurosieve.evaluation.vocabulary import unit

    frames = []
    for cell in plan.cells:
        seed = cell.seed if cell.seed is not None else plan.grid["seeds"][0]
        for key in cell.metrics:
            path = directory(key)
            rows = read_metrics(path, name) if path else None
            if rows is not None:
                frames.append(_filled(rows, plan, cell.variant, cell.target, seed, cell.model))
    for key, seed in plan.studywide.items():
        path = directory(key)
        rows = read_metrics(path, name) if path else None
        if rows is not None:
            roles = plan.nodes[key].recipe["inputs"]
            models = {role[6:]: of for role, of in roles.items() if role.startswith("model.")}
            frames.append(_filled(rows, plan, "", "native", seed, models))
    columns = [("item" if name == "items" and column == "n" else column) for column in COLLECTED]
    if not frames:
        types = {"seed": pl.Int64, "value": pl.Float64, "n": pl.Int64}
        return pl.DataFrame(schema={column: types.get(column, pl.String) for column in columns})
    units = pl.col("metric").map_elements(unit, return_dtype=pl.String).alias("unit")
    return pl.concat(frames).with_columns(units).select(columns).sort(columns[:8])


def _filled(
    rows: pl.DataFrame, plan: StudyPlan, variant: str, target: str, seed: int | None, model: str | dict[str, str]
) -> pl.DataFrame:
    """Rows with the columns that their node does not know; `model` is one key, or keys by the rows' own variants."""
    keys = pl.lit(model) if isinstance(model, str) else pl.col("variant").replace_strict(model, default="")
    return rows.with_columns(
        study=pl.lit(plan.slug),
        scale=pl.lit(plan.scale),
        variant=pl.col("variant").fill_null(variant),
        target=pl.col("target").fill_null(target),
        seed=pl.col("seed").fill_null(seed),
        model=keys.cast(pl.String),
    )


def verdicts_of(plan: StudyPlan, directory: Reader, whole: bool = False) -> tuple[list[Any], dict[str, pl.DataFrame]]:
    """Verdicts on what exists, and the collected tables by name. Nothing is stored.

    Where the `whole` study is measured, UserError is raised for a claim that binds an axis which nothing has.
    """
    from neurosieve.evaluation.claims.decide import decide
    from neurosieve.evaluation.claims.grammar import parse_claims
    from neurosieve.evaluation.curve import with_derived
    from neurosieve.plan.grid_claims import grid_of

    tables = {name: collect(plan, directory, name) for name in ("metrics", "timings", "items")}
    claims = parse_claims(plan.slug, plan.settings["claims"])
    asked = [name for claim in claims for name in claim.metrics]
    for name in ("metrics", "timings"):
        tables[name] = with_derived(tables[name], asked)
    measured, grid = pl.concat([tables["metrics"], tables["timings"]]), grid_of(plan.grid)
    if whole:
        _check_axes(plan, claims, measured, grid)
    verdicts = decide(
        plan.slug,
        claims,
        measured,
        items=tables["items"] if len(tables["items"]) else None,
        grid=grid,
        scale=plan.scale,
        absent=plan.settings["absent"],
        evaluation_params=plan.settings["evaluations"],
    )
    return verdicts, tables


def _check_axes(plan: StudyPlan, claims: list[Claim], metrics: pl.DataFrame, grid: Grid) -> None:
    """Raises UserError where a claim names an axis that nothing measured has: known only when all is measured."""
    from neurosieve.evaluation.claims.grid import check_axes

    try:
        check_axes(claims, metrics, grid, plan.settings["absent"])
    except UserError as error:
        raise UserError(f"config/studies/{plan.slug}.yaml: {error}") from None


def decide_study(inputs: Inputs, directory: Path) -> None:
    """Write the collected tables, `verdicts.parquet` (a row a claim) and `verdicts.json` (everything)."""
    from neurosieve.evaluation.claims.verdicts import verdicts_frame

    verdicts, tables = verdicts_of(inputs.plan, inputs.directory, whole=True)
    for name, table in tables.items():
        if name == "metrics" or len(table):
            table.write_parquet(directory / f"{name}.parquet", compression="uncompressed", statistics=False)
    verdicts_frame(verdicts).write_parquet(directory / "verdicts.parquet")
    record = [verdict.as_dict() for verdict in verdicts]
    (directory / "verdicts.json").write_text(json.dumps(record, indent=1) + "\n")
