"""What a study has certified: the key `certify:`, held against the study's variants and the rows that it forgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosieve.errors import near
from neurosieve.plan.certify import REFERENCE, Certify
from neurosieve.plan.nodes import Cell, Node, StudyPlan
from neurosieve.report.rows import parse_axes


def certified(loaded: Any, plan: StudyPlan) -> dict[str, Any]:
    """What the plan keeps of `certify:` (variants, before, reference, retention, loss); nothing without the key.

    `loaded` is the study with its file, `plan` its cells. Raises UserError at the line of a variant that does not exist
    or never reads the rows to forget, and where the variants do not all forget the same rows.
    """
    asked: Certify | None = loaded.study.certify
    if asked is None:
        return {}
    for place, name in (("before", asked.before), *(("variants", name) for name in asked.variants)):
        if name not in loaded.study.variants:
            known = ", ".join(loaded.study.variants)
            hint = near(name, loaded.study.variants)
            raise loaded.error(f"certify: '{name}' is no variant{hint}; there are: {known}", "certify", place)
    if asked.before in asked.variants:
        raise loaded.error(f"certify: '{asked.before}' is the model before, it is not delivered", "certify", "before")
    cells = {name: list(certified_cells(plan, [name], asked.at)) for name in asked.variants}
    for place, (name, found) in enumerate(cells.items()):
        if not found:
            values = ", ".join(f"{axis}={value}" for axis, value in asked.at.items())
            raise loaded.error(f"certify: '{name}' is not there at {values}", "certify", "at")
        if not all(_forgets(plan, cell.model) for cell in found):
            message = f"certify: '{name}' never reads the rows to forget; certify a variant that forgets them"
            raise loaded.error(message, "certify", "variants", place)
        if any(before_of(plan, cell, asked.before) is None for cell in found):
            message = f"certify: there is no '{asked.before}' at the axis values and seeds of '{name}'"
            raise loaded.error(message, "certify", "before")
    chosen = {selection_of(plan, cell) for found in cells.values() for cell in found}
    if None in chosen:
        message = "certify: nothing measures the rows to forget; list an evaluation that reads them"
        raise loaded.error(message, "certify", "variants")
    if len(chosen) > 1:
        message = (
            f"certify: one certificate answers one request, but these variants forget {len(chosen)} different choices"
            " of rows (by axis value or seed); list the rows in an ids_file, or say at which axis values with `at`"
        )
        raise loaded.error(message, "certify", "variants")
    return {"certify": {**asked.model_dump(mode="json"), "reference": _reference(loaded, asked)}}


def certified_cells(plan: StudyPlan, variants: list[str], at: Mapping[str, str]) -> Iterator[Cell]:
    """Native cells of these variants at these axis values, in the order of the plan."""
    for cell in plan.cells:
        name, _, axes = cell.variant.partition("@")
        if cell.target == "native" and name in variants and at.items() <= parse_axes(axes).items():
            yield cell


def before_of(plan: StudyPlan, cell: Cell, before: str) -> Cell | None:
    """The cell of the variant `before` at the seed and the axis values of a cell."""
    point = parse_axes(cell.variant.partition("@")[2])
    for other in plan.cells:
        name, _, axes = other.variant.partition("@")
        seeds = other.seed == cell.seed or other.seed is None or cell.seed is None
        if name == before and other.target == "native" and seeds and parse_axes(axes).items() <= point.items():
            return other
    return None


def selection_of(plan: StudyPlan, cell: Cell) -> str | None:
    """Key of the node that chose the rows that a cell's evaluations look at as the forgotten ones."""
    nodes = (plan.nodes[key] for key in cell.metrics)
    return next(
        (one for node in nodes if (one := node.recipe["inputs"].get("selection")) and node.stage != "export"), None
    )


def _forgets(plan: StudyPlan, key: str) -> bool:
    """Whether a model was made with the rows to forget told apart, by a selection or by shards."""
    nodes = plan.with_ancestors(key)
    return any(_use(node).startswith("datasets.selection.") or "without" in node.recipe for node in nodes)


def _use(node: Node) -> str:
    return str(node.recipe.get("component", {}).get("use", ""))


def _reference(loaded: Any, asked: Certify) -> str:
    """The request's reference. Raises UserError where the name of its file cannot be one."""
    if asked.reference is not None:
        return asked.reference
    values = [value for axis in loaded.study.axes.values() for value in axis.values()]
    forgotten = [rule for rule in (loaded.study.forget, *(value.forget for value in values)) if rule]
    file = next((str(rule["ids_file"]) for rule in forgotten if "ids_file" in rule), "")
    name = Path(file).stem if file else str(loaded.slug)
    if not REFERENCE.fullmatch(name):
        message = f"certify: '{name}' cannot be a reference (letters, digits, '.', '_', '-'); set certify.reference"
        raise loaded.error(message, "certify")
    return name
