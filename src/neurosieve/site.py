"""From plans and store to what the page shows: states, verdicts, metrics, provenance, by study."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.dataset import DatasetInfo, read_dataset
from neurosieve.artifacts.store import Store, read_provenance
from neurosieve.errors import UserError
from neurosieve.evaluation.vocabulary import direction, unit
from neurosieve.jobs.verdict import verdicts_of
from neurosieve.plan import STAGES, StudyPlan
from neurosieve.project import Project
from neurosieve.report import state as page

SAMPLES = 20


def site_of(project: Project, plans: Mapping[str, StudyPlan], present: Set[str]) -> page.Site:
    """Everything the page shows, from what is in the store."""
    records = _records(project.store, plans, present)
    studies = tuple(_study(project, plan, present, records) for plan in plans.values())
    commits = sorted({r["run"]["commit"] for r in records.values() if r["run"].get("commit")})
    return page.Site(
        studies=studies,
        scale=project.scale,
        generated_from=commits[0] if len(commits) == 1 else None,
        run=_run(records),
    )


def _records(store: Store, plans: Mapping[str, StudyPlan], present: Set[str]) -> dict[str, dict[str, Any]]:
    """Provenance of every node that exists, by key."""
    nodes = {node.key: node for plan in plans.values() for node in plan.nodes.values()}
    return {key: read_provenance(store.path(node.folder)) for key, node in nodes.items() if node.folder in present}


def _run(records: Mapping[str, dict[str, Any]]) -> page.Run:
    stages = []
    for stage in STAGES:
        seconds = [record["run"]["cpu_seconds"] for record in records.values() if record["stage"] == stage]
        stages.append(page.StageTotal(stage=stage, nodes=len(seconds), cpu_seconds=round(sum(seconds), 2)))
    return page.Run(stages=tuple(stages))


def _study(
    project: Project, plan: StudyPlan, present: Set[str], records: Mapping[str, dict[str, Any]]
) -> page.StudyState:
    store = project.store
    done = sum(node.folder in present for node in plan.nodes.values())
    failures = _failures(store, plan, present)
    state = "complete" if done == len(plan.nodes) else "failed" if failures else "incomplete" if done else "not run"

    def directory(key: str) -> Path | None:
        folder = plan.nodes[key].folder
        return store.path(folder) if folder in present else None

    claims, tables = _decided(plan, directory)
    return page.StudyState(
        slug=plan.slug,
        question=plan.settings["question"],
        answer=plan.settings["answer"],
        paper=page.Paper.model_validate(plan.settings["paper"]) if plan.settings["paper"] else None,
        state=state,
        nodes_done=done,
        nodes_total=len(plan.nodes),
        failures=failures,
        scale=plan.scale,
        seeds=tuple(plan.grid["seeds"]),
        dataset=_dataset(plan, directory, records),
        samples=_samples(plan, directory),
        claims=claims,
        metrics=_metrics(tables),
        targets=_targets(plan, tables),
        nodes=_nodes(plan, records),
        packages=_packages(records, plan),
        config=f"config/studies/{plan.slug}.yaml",
    )


def _decided(
    plan: StudyPlan, directory: Callable[[str], Path | None]
) -> tuple[tuple[dict[str, Any], ...], dict[str, pl.DataFrame]]:
    """Verdict records and collected tables: as stored where the study is complete, else on what exists."""
    stored = directory(plan.verdict)
    if stored is None:
        verdicts, tables = verdicts_of(plan, directory)
        return tuple(verdict.as_dict() for verdict in verdicts), tables
    paths = {name: stored / f"{name}.parquet" for name in ("metrics", "timings")}
    tables = {name: pl.read_parquet(path) for name, path in paths.items() if path.exists()}
    return tuple(json.loads((stored / "verdicts.json").read_text())), tables


def _failures(store: Store, plan: StudyPlan, present: Set[str]) -> tuple[page.Failure, ...]:
    found = []
    for node in plan.nodes.values():
        text = store.failure(node.key).read() if node.folder not in present else None
        if text:
            log, rerun = f"results/logs/{node.folder}.log", f"snakemake {plan.slug}"
            found.append(page.Failure(stage=node.stage, title=node.title, error=text, log=log, rerun=rerun))
    return tuple(found)


def _dataset(
    plan: StudyPlan, directory: Callable[[str], Path | None], records: Mapping[str, dict[str, Any]]
) -> page.Dataset | None:
    key = _first_dataset(plan, directory)
    if key is None:
        return None
    info = DatasetInfo.model_validate_json((_there(directory, key) / "dataset.json").read_text())
    known = {
        name: getattr(info, name) for name in ("name", "origin", "source", "licence", "counts", "class_names", "notes")
    }
    content = next(iter(sorted(records[key]["files"].items())))[1] if records[key]["files"] else ""
    return page.Dataset(**known, input_shape=info.input_shape, content=content)


def _samples(plan: StudyPlan, directory: Callable[[str], Path | None]) -> page.Samples | None:
    """Some training rows as grey images, one class after the other; None where inputs are no images."""
    key = _first_dataset(plan, directory)
    if key is None:
        return None
    try:
        dataset = read_dataset(_there(directory, key))
    except UserError:
        return None
    shape, split = dataset.info.input_shape, dataset.splits.get("train")
    if split is None or len(shape) not in (2, 3) or (len(shape) == 3 and shape[0] != 1) or max(shape) > 64:
        return None
    labels = split.y if dataset.info.target else np.zeros(len(split), dtype=int)
    rows = np.concatenate([np.flatnonzero(labels == value)[:2] for value in np.unique(labels)[: SAMPLES // 2]])
    images = split.x[rows].reshape(len(rows), *shape[-2:]).astype(float)
    low, high = images.min(), images.max()
    grey = np.rint(255 * (images - low) / max(high - low, 1e-12)).astype(int)
    names = dataset.info.class_names
    words = tuple(names[int(label)] if names else "" for label in labels[rows])
    return page.Samples(images=tuple(tuple(tuple(row) for row in image) for image in grey.tolist()), labels=words)


def _first_dataset(plan: StudyPlan, directory: Callable[[str], Path | None]) -> str | None:
    for cell in plan.cells:
        key = plan.nodes[cell.model].recipe["inputs"]["data"]
        if directory(key) is not None:
            return key
    return None


def _there(directory: Callable[[str], Path | None], key: str) -> Path:
    path = directory(key)
    assert path is not None
    return path


def _metrics(tables: Mapping[str, pl.DataFrame]) -> tuple[page.MetricRow, ...]:
    rows = []
    for name in ("metrics", "timings"):
        table = tables.get(name)
        if table is None:
            continue
        keys = ["variant", "target", "metric", "split", "at"]
        for group, values in table.group_by(keys, maintain_order=True):
            named = dict(zip(keys, group, strict=True))
            by_seed = dict(zip(values["seed"].to_list(), values["value"].to_list(), strict=False))
            known = {
                "unit": unit(named["metric"]),
                "direction": direction(named["metric"]),
                "timing": name == "timings",
            }
            rows.append(page.MetricRow(**named, **known, values=by_seed))
    return tuple(rows)


def _targets(plan: StudyPlan, tables: Mapping[str, pl.DataFrame]) -> tuple[page.TargetRow, ...]:
    rows = []
    both = [table for name in ("metrics", "timings") if (table := tables.get(name)) is not None]
    table = pl.concat(both) if both else None
    pairs = {(cell.variant, cell.target): None for cell in plan.cells if cell.target != "native"}
    for variant, target in pairs:
        own = table.filter((pl.col("variant") == variant) & (pl.col("target") == target)) if table is not None else None
        if own is None or not len(own):
            rows.append(page.TargetRow(variant=variant, target=target, missing="not computed"))
            continue
        means = {(m, at): v for m, at, v in own.group_by("metric", "at").agg(pl.col("value").mean()).iter_rows()}
        differences = own.filter(pl.col("metric") == "max_logit_difference")["value"].to_list()
        latency = {at: value for (metric, at), value in sorted(means.items()) if metric == "latency_ratio"}
        size = means.get(("size_bytes", ""))
        row = page.TargetRow(
            variant=variant,
            target=target,
            size_bytes=size,
            max_logit_difference=max(differences, default=None),
            latency_ratio=latency,
        )
        rows.append(row)
    return tuple(rows)


def _nodes(plan: StudyPlan, records: Mapping[str, dict[str, Any]]) -> tuple[page.Node, ...]:
    """One row per stage and name: first key, seeds, summed CPU seconds, largest memory."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for key, node in plan.nodes.items():
        if key in records:
            groups.setdefault((node.stage, node.name), []).append(records[key])
    rows = []
    for (stage, name), group in sorted(groups.items(), key=lambda item: (STAGES.index(item[0][0]), item[0][1])):
        seeds = sorted({r["recipe"]["seed"] for r in group if r["recipe"].get("seed") is not None})
        rows.append(
            page.Node(
                stage=stage,
                name=name,
                key=group[0]["key"],
                component=group[0]["recipe"].get("component", {}).get("use", ""),
                cpu_seconds=round(sum(r["run"]["cpu_seconds"] for r in group), 3),
                peak_memory_mb=max(r["run"]["peak_memory_mb"] for r in group),
                seeds=tuple(seeds),
            )
        )
    return tuple(rows)


def _packages(records: Mapping[str, dict[str, Any]], plan: StudyPlan) -> dict[str, str]:
    packages: dict[str, str] = {}
    for key in plan.nodes:
        if key in records:
            packages |= records[key]["recipe"].get("component", {}).get("packages", {})
    return dict(sorted(packages.items()))
