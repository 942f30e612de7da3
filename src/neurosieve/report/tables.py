"""The tables of a study page: all methods, hardware targets, data card, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from neurosieve.report import rows
from neurosieve.report.numbers import (
    count,
    data,
    decimals,
    factor,
    joined,
    kilobytes,
    scientific,
    seconds,
    shown,
    unit_word,
)
from neurosieve.report.state import MetricRow, StudyState, TargetRow


def methods(study: StudyState) -> list[dict[str, Any]]:
    """One table per panel: a row per variant, a column per metric and split, mean and each seed's value."""
    return [
        {"title": panel.label, "head": [heading(column) for column in panel.columns], "body": _body(study, panel)}
        for panel in rows.panels(study)
    ]


def heading(column: rows.Column) -> dict[str, str]:
    """Header of a column: name, split and axes under it, unit and direction."""
    unit = " ".join(word for word in (unit_word(column.unit), column.arrow) if word)
    split = " ".join(word for word in (column.split, column.at.replace("=", " ").replace(",", ", ")) if word)
    return {"name": column.metric.replace("_", " "), "split": split, "unit": unit}


def _body(study: StudyState, panel: rows.Panel) -> list[dict[str, Any]]:
    places = {
        column: decimals(
            (v for point in panel.points for v in panel.cells.get((point, column), {}).values()), column.unit
        )
        for column in panel.columns
    }
    body = []
    for point in panel.points:
        role = rows.role_of(study, point.variant)
        cells = [_cell(panel.cells.get((point, column)), column.unit, places[column]) for column in panel.columns]
        body.append({"name": point.label, "role": role, "mark": rows.MARKS[role], "cells": cells})
    return body


def _cell(values: dict[int | None, float] | None, unit: str, places: int) -> dict[str, Markup] | None:
    """Mean with one decimal more than counts have, and the seeds' values where there is more than one."""
    average = rows.mean((values or {}).values())
    if not values or average is None:
        return None
    whole = average == round(average)
    shown_mean = data(average, _text(average, unit, places if whole or places else 1))
    same = len(set(values.values())) == 1
    each = joined((data(value, _text(value, unit, places)) for value in values.values()), " · ")
    return {"mean": shown_mean, "seeds": Markup("") if same else each}


def _text(value: float, unit: str, places: int) -> str:
    scaled = value * factor(unit)
    text = shown(scaled, places)
    return scientific(scaled) if value != 0 and not any(digit in text for digit in "123456789n") else text


def targets(study: StudyState) -> dict[str, Any] | None:
    """Size, largest output difference and latency of each export, and what was measured on it; None without any."""
    if not study.targets:
        return None
    batches = list(dict.fromkeys(at for row in study.targets for at in row.latency_ratio))
    measured = list(dict.fromkeys(_column(row) for row in study.metrics if row.target != rows.NATIVE))
    measured = [c for c in measured if c.metric not in ("size_bytes", "max_logit_difference", "latency_ratio")]
    head = [
        {"name": "Size", "split": "", "unit": "kB ↓"},
        {"name": "Largest output", "split": "difference", "unit": "↓"},
        *({"name": "Latency", "split": at.replace("=", " "), "unit": "of the network’s ↓"} for at in batches),
        *(heading(column) for column in measured),
    ]
    body = [_target(study, row, batches, measured) for row in study.targets]
    return {"head": head, "body": body}


def _target(
    study: StudyState, row: TargetRow, batches: Sequence[str], measured: Sequence[rows.Column]
) -> dict[str, Any]:
    cells: list[Markup | None] = [
        None if row.size_bytes is None else data(row.size_bytes, kilobytes(row.size_bytes)),
        None
        if row.max_logit_difference is None
        else data(row.max_logit_difference, scientific(row.max_logit_difference)),
    ]
    for at in batches:
        ratio = row.latency_ratio.get(at)
        cells.append(None if ratio is None else data(ratio, shown(ratio, 2)))
    for column in measured:
        found = next((m for m in study.metrics if _on(m, row) and _column(m) == column and m.values), None)
        places = decimals(() if found is None else found.values.values(), column.unit)
        cells.append(None if found is None else data(found.mean, _text(found.mean, column.unit, places)))
    return {"variant": row.variant, "target": row.target, "missing": row.missing, "cells": cells}


def _on(metric: MetricRow, row: TargetRow) -> bool:
    return (metric.variant, metric.target) == (row.variant, row.target)


def _column(row: MetricRow) -> rows.Column:
    return rows.Column(row.metric, row.split, row.at, row.unit, row.direction, row.timing)


def data_card(study: StudyState) -> list[tuple[str, Markup | str]]:
    """What the data are: only what is known is listed."""
    dataset = study.dataset
    if dataset is None:
        return []
    total = sum(dataset.counts.values())
    splits = joined((Markup("{} {}").format(count(n), split) for split, n in dataset.counts.items()), " · ")
    classes = ""
    if dataset.class_names:
        named = (
            ", ".join(dataset.class_names)
            if len(dataset.class_names) <= 20
            else f"{', '.join(dataset.class_names[:20])}, …"
        )
        classes = f"{len(dataset.class_names)}: {named}"
    card: list[tuple[str, Markup | str]] = [
        ("Dataset", dataset.name),
        ("Origin", dataset.origin),
        ("Source", dataset.source),
        ("Licence", dataset.licence),
        ("Rows", Markup("{} in all: {}").format(count(total), splits) if dataset.counts else ""),
        ("Shape", " × ".join(str(n) for n in dataset.input_shape)),
        ("Classes", classes),
        ("Notes", dataset.notes),
        ("Content hash", dataset.content),
    ]
    return [(name, value) for name, value in card if value]


def provenance(study: StudyState) -> list[dict[str, Any]]:
    """Nodes in the order of the line, with what they cost."""
    return [
        {
            "name": node.name,
            "stage": node.stage,
            "component": node.component,
            "key": node.key,
            "seeds": ", ".join(str(seed) for seed in node.seeds),
            "cpu": None if node.cpu_seconds is None else data(node.cpu_seconds, shown(node.cpu_seconds, 2)),
            "memory": None if node.peak_memory_mb is None else data(node.peak_memory_mb, shown(node.peak_memory_mb, 0)),
            "made": "–" if node.from_store is None else "the store" if node.from_store else "this run",
        }
        for node in study.nodes
    ]


def facts(study: StudyState, commit: str | None) -> list[tuple[str, str]]:
    """Code, configuration and packages behind a study."""
    packages = " · ".join(f"{name} {version}" for name, version in sorted(study.packages.items()))
    listed = [("Code", f"commit {commit}" if commit else ""), ("Configuration", study.config), ("Packages", packages)]
    return [(name, value) for name, value in listed if value]


def cost(nodes: Iterable[Any]) -> Markup | str:
    """`96 s CPU`."""
    known = [node.cpu_seconds for node in nodes if node.cpu_seconds is not None]
    return Markup("{} CPU").format(seconds(sum(known))) if known else "not measured"
