"""A study's grid as its claims see it, checked against them before anything runs."""

from __future__ import annotations

from typing import Any

from neurosieve.errors import UserError
from neurosieve.evaluation.claims.grammar import parse_claims
from neurosieve.evaluation.claims.grid import Grid, VariantGrid, check_grid
from neurosieve.plan.grid import Cells
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.study import LoadedStudy


def grid_of(record: dict[str, Any]) -> Grid:
    """The claims' grid from its stored form."""
    variants = {name: VariantGrid(**variant) for name, variant in record["variants"].items()}
    return Grid(variants, record["seeds"])


def claims_recipe(loaded: LoadedStudy, cells: Cells, plan: StudyPlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the verdict's key holds beside its inputs, and the grid.

    Raises UserError when a claim is malformed or names a cell that the grid does not produce.
    """
    record = _grid_record(loaded, cells, plan)
    study = loaded.study
    try:
        claims = parse_claims(loaded.slug, study.claims)
        check_grid(claims, grid_of(record), study.absent, loaded.scale)
    except UserError as error:
        raise loaded.error(str(error), "claims", *_claim_place(study.claims, str(error))) from None
    recipe = {
        "study": loaded.slug,
        "scale": loaded.scale,
        "claims": study.claims,
        "absent": {f"target={name}": lack["reason"] for name, lack in plan.lacking.items()} | study.absent,
        "grid": record,
    }
    return recipe, record


def _grid_record(loaded: LoadedStudy, cells: Cells, plan: StudyPlan) -> dict[str, Any]:
    undrawn = {cell.variant.split("@")[0] for cell in plan.cells if cell.seed is None}
    replicates = {cell.variant.split("@")[0]: cell.replicates for cell in plan.cells if cell.replicates}
    variants = {}
    for name in loaded.study.variants:
        axes: dict[str, list[str]] = {}
        for point in cells.points(name):
            for axis, value in {**point.axes, **point.sweep}.items():
                if str(value) not in axes.setdefault(axis, []):
                    axes[axis].append(str(value))
        seeds = [] if name in undrawn else list(range(replicates[name])) if name in replicates else cells.seeds(name)
        targets = [use if isinstance(use, str) else use.use for use in loaded.study.targets.get(name, [])]
        variants[name] = {"axes": axes, "seeds": seeds, "targets": ["native", *targets]}
    return {"variants": variants, "seeds": list(loaded.study.seeds)}


def _claim_place(claims: list[dict[str, Any]], message: str) -> list[int]:
    """Index of the claim whose id the message names, to point at its line."""
    words = message.replace("/", " ").replace(":", " ").replace(",", " ").split()
    return [index for index, claim in enumerate(claims) if claim.get("id") in words][:1]
