"""Metrics, targets, layers, chains, nodes and packages of a study as the view model holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from neurosieve.evaluation.vocabulary import direction, unit
from neurosieve.plan.nodes import STAGES, Cell, StudyPlan
from neurosieve.report import state as page
from neurosieve.views.site.reader import LastRun, Reader

KEYS = ["variant", "target", "metric", "split", "at"]


def metrics(frames: Mapping[str, pl.DataFrame], plan: StudyPlan) -> tuple[page.MetricRow, ...]:
    """One row per variant, target, metric, split and axis point, with the value, model and rows of every seed.

    Variants and their axis points come in the order of the study's file, so that the main setting is shown first.
    """
    order = {variant: place for place, variant in enumerate(dict.fromkeys(cell.variant for cell in plan.cells))}
    rows = []
    for name in ("metrics", "timings"):
        table = frames.get(name)
        if table is None:
            continue
        groups: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for row in table.select(*KEYS, "seed", "value", "model", "n").iter_rows():
            groups.setdefault(row[: len(KEYS)], []).append(row[len(KEYS) :])
        for group, values in groups.items():
            named: dict[str, Any] = dict(zip(KEYS, group, strict=True))
            counts = {n for *_, n in values}
            rows.append(
                page.MetricRow(
                    **named,
                    unit=unit(named["metric"]),
                    direction=direction(named["metric"]),
                    timing=name == "timings",
                    values={seed: value for seed, value, _, _ in values},
                    models={seed: model for seed, _, model, _ in values},
                    n=(counts.pop() or None) if len(counts) == 1 else None,
                )
            )
    return tuple(sorted(rows, key=lambda row: order.get(row.variant, len(order))))


def series(frames: Mapping[str, pl.DataFrame], figures: Iterable[page.FigureSpec]) -> tuple[page.Series, ...]:
    """Items of the metrics that lanes are drawn of, in the items' order; an item that is no number has no place."""
    wanted = {one.metric for one in figures if one.kind == "raster"}
    table = frames.get("items")
    if table is None or not wanted:
        return ()
    table = table.filter(pl.col("metric").is_in(wanted), pl.col("target") == "native")
    table = table.with_columns(pl.col("item").cast(pl.Float64, strict=False)).drop_nulls("item")
    keys = ["variant", "metric", "split", "at", "seed"]
    return tuple(
        page.Series(
            **dict(zip(keys, group, strict=True)), x=tuple(rows["item"].to_list()), y=tuple(rows["value"].to_list())
        )
        for group, rows in table.sort("item").group_by(keys, maintain_order=True)
    )


def targets(reader: Reader) -> tuple[page.TargetRow, ...]:
    """Every export that the plan asks for, with the instruction sets of the machines that ran it."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for cell in reader.plan.cells:
        if cell.export is not None:
            folder = reader.directory(cell.export)
            facts = json.loads((folder / "export.json").read_text())["facts"] if folder else {}
            known = {str(facts["instruction_set"]): None} if "instruction_set" in facts else {}
            found.setdefault((cell.variant, cell.target), {}).update(known)
    made = [
        page.TargetRow(variant=variant, target=target, machines=tuple(machines))
        for (variant, target), machines in found.items()
    ]
    left_out = [
        page.TargetRow(variant=variant, target=target, missing=lack["reason"])
        for target, lack in reader.plan.lacking.items()
        for variant in lack["variants"]
    ]
    return (*made, *left_out)


def chains(plan: StudyPlan) -> dict[str, tuple[str, ...]]:
    """Kinds of the steps from training to each variant, in order (`unlearn`, `prune`); empty for a training."""
    found: dict[str, tuple[str, ...]] = {}
    for cell in plan.cells:
        name = cell.variant.split("@")[0]
        if name not in found:
            found[name] = _chain(plan, cell)
    return found


def _chain(plan: StudyPlan, cell: Cell) -> tuple[str, ...]:
    steps: list[str] = []
    node = plan.nodes[cell.model]
    while node.stage == "intervene":
        steps.append(str(node.recipe.get("kind", "")))
        node = plan.nodes[node.recipe["inputs"]["model"]]
    return tuple(step for step in reversed(steps) if step != "analysis")


def layers(reader: Reader) -> tuple[page.LayerRow, ...]:
    """Tables of layers that unlearning steps left in their history (`layer`, `elements`, `selected`), by seed."""
    found: dict[tuple[str, str], tuple[int, dict[int | None, int]]] = {}
    for cell in reader.cells():
        node = reader.plan.nodes[cell.model]
        folder = reader.directory(cell.model)
        if node.recipe.get("kind") != "unlearn" or folder is None or _is_sweep(reader, cell):
            continue
        for layer, elements, selected in _history(folder / "history.parquet"):
            found.setdefault((cell.variant, layer), (elements, {}))[1][cell.seed] = selected
    return tuple(
        page.LayerRow(variant=variant, layer=layer, elements=elements, selected=selected)
        for (variant, layer), (elements, selected) in found.items()
        if elements
    )


def _is_sweep(reader: Reader, cell: Cell) -> bool:
    """Whether the cell is one point of a sweep: those are too many for a table of layers each."""
    name = cell.variant.split("@")[0]
    return sum(other.variant.split("@")[0] == name for other in reader.cells()) > 8 * len(reader.plan.grid["seeds"])


def _history(path: Path) -> list[tuple[str, int, int]]:
    wanted = ["layer", "elements", "selected"]
    if not path.is_file():
        return []
    if set(wanted) - set(pl.read_parquet_schema(path)):
        return []
    return [(str(a), int(b), int(c)) for a, b, c in pl.read_parquet(path, columns=wanted).select(wanted).iter_rows()]


def nodes(reader: Reader, run: LastRun) -> tuple[page.Node, ...]:
    """Provenance by stage and variant (networks) or component (everything else): keys, seeds, cost, when made."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for record in reader.records.values():
        groups.setdefault((record["stage"], _row_name(record)), []).append(record)
    order = sorted(groups, key=lambda one: STAGES.index(one[0]))  # stable: the plan's order within a stage
    return tuple(_node(stage, name, groups[stage, name], run) for stage, name in order)


def _row_name(record: Mapping[str, Any]) -> str:
    if record["stage"] in ("train", "intervene"):
        parts = str(record.get("asked_by", "")).split("/")
        if len(parts) > 1:
            return parts[1].split("@")[0]
    return str(record["name"])


def _node(stage: str, name: str, group: list[dict[str, Any]], run: LastRun) -> page.Node:
    made = [run.made(record) for record in group]
    memory = [record["run"]["peak_memory_mb"] for record in group if record["run"].get("peak_memory_mb") is not None]
    use = str(group[0]["recipe"].get("component", {}).get("use", ""))
    return page.Node(
        stage=stage,
        name=name,
        key=group[0]["key"],
        nodes=len(group),
        component=use.partition(".")[2] if use.partition(".")[0] in _PACKAGES else use,
        cpu_seconds=round(sum(record["run"].get("cpu_seconds", 0.0) for record in group), 3),
        peak_memory_mb=max(memory, default=None),
        seeds=tuple(sorted({seed for record in group if (seed := record["recipe"].get("seed")) is not None})),
        from_store=None if None in made else not any(made),
        date=max((str(record["run"].get("started", ""))[:10] for record in group), default=""),
    )


_PACKAGES = ("datasets", "training", "interventions", "export", "evaluation")


def packages(reader: Reader) -> dict[str, str]:
    """Versions of the packages that the nodes' code imports."""
    found: dict[str, str] = {}
    for record in reader.records.values():
        found |= record["recipe"].get("component", {}).get("packages", {})
    return dict(sorted(found.items()))


def machines(reader: Reader) -> tuple[str, ...]:
    """`Linux x86_64, Python 3.11.7`, of every machine that made a node."""
    found = {
        f"{record['run']['machine']}, Python {record['run'].get('python', '?')}"
        for record in reader.records.values()
        if record["run"].get("machine")
    }
    return tuple(sorted(found))


def commits(reader: Reader) -> tuple[str, ...]:
    """Commits of the code that made the nodes."""
    return tuple(sorted({commit for record in reader.records.values() if (commit := record["run"].get("commit"))}))
