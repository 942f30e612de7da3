"""The tables of a study page: all methods, hardware targets, data card, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from neurosieve.report import rows
from neurosieve.report.numbers import (
    count,
    data,
    decimals,
    factor,
    interval,
    joined,
    kilobytes,
    listed,
    mean,
    scientific,
    seconds,
    shown,
    unit_word,
)
from neurosieve.report.state import Dataset, StudyState

Values = Mapping[int | None, float]
PLACED = ("size_bytes", "max_logit_difference", "latency_ratio")
"""Metrics of an export that have a column of their own."""
CHECKS = ("attack_auc", "forget_unchanged", "constant_output", "layers_empty")
"""Metrics that the lines under the tables read (`report.flags`): as columns they would say less."""
FEW_PLACES = 4
"""Places of a metric's own axis that still make columns of a table."""


def methods(study: StudyState, panels: Sequence[rows.Panel]) -> list[dict[str, Any]]:
    """One table per setting: a row per variant, per metric and split the mean and its 95 % interval."""
    found = []
    for panel in panels:
        points = [point for point in panel.points if not point.axes]
        measured = _shown({column for point, column in panel.cells if point in points})
        columns = [column for column in panel.columns if column in measured and _differs(panel, points, column)]
        same = [column for column in panel.columns if column in measured and column not in columns]
        body = _body(study, panel, points, columns)
        head = [
            heading(column) | {"ci": any(row["cells"][place].get("ci") for row in body)}
            for place, column in enumerate(columns)
        ]
        if columns or same:
            found.append({"title": panel.label, "head": head, "body": body, "same": _same(panel, same)})
    return found


def _shown(columns: Iterable[rows.Column]) -> set[rows.Column]:
    """Without checks, and without measures along an axis of their own with many places: those are figures.

    Nor evidence: it has tables of its own (`report.evidence`).
    """
    listed = [c for c in columns if c.metric not in CHECKS and not c.metric.startswith("evidence_")]
    along = Counter((column.metric, column.split) for column in listed if column.at)
    return {column for column in listed if not column.at or along[column.metric, column.split] <= FEW_PLACES}


def _differs(panel: rows.Panel, points: Sequence[rows.Point], column: rows.Column) -> bool:
    """Whether a column tells methods apart: one number that all share stands under the table instead."""
    values = [v for point in points for v in panel.cells.get((point, column), {}).values()]
    return column.unit == "share" or column.timing or len(set(values)) > 1


def _same(panel: rows.Panel, columns: Sequence[rows.Column]) -> Markup:
    """`parameters 36 024`: what is the same for all."""
    texts = []
    for column in columns:
        value = next(v for (_, c), by in panel.cells.items() if c == column for v in by.values())
        words = " ".join(part for part in (column.metric.replace("_", " "), column.split) if part)
        texts.append(
            Markup("{} {}").format(words, data(value, _text(value, column.unit, decimals([value], column.unit))))
        )
    return joined(texts)


def heading(column: rows.Column) -> dict[str, Any]:
    """Header of a column: name, split and axes under it, unit and direction."""
    unit = " ".join(word for word in (unit_word(column.unit), column.arrow) if word)
    split = " ".join(word for word in (column.split, column.at.replace("=", " ").replace(",", ", ")) if word)
    return {"name": column.metric.replace("_", " "), "split": split, "unit": unit, "arrow": column.arrow}


def _body(
    study: StudyState, panel: rows.Panel, points: Sequence[rows.Point], columns: Sequence[rows.Column]
) -> list[dict[str, Any]]:
    places = {
        column: decimals([m for point in points if (m := panel.mean(point, column)) is not None], column.unit)
        for column in columns
    }
    body = []
    for point in points:
        role = rows.role_of(study, point.variant)
        cells = [_cell(panel.cells.get((point, column)), column, places[column]) for column in columns]
        own = point.variant == study.slug
        body.append({"name": point.label, "role": role, "mark": rows.MARKS[role], "cells": cells, "own": own})
    return body


def _cell(values: Values | None, column: rows.Column, places: int) -> dict[str, Markup]:
    """Mean, and its interval where the seeds differ (not of times); nothing where it was not measured."""
    unit = column.unit
    average = mean((values or {}).values())
    if not values or average is None:
        return {}
    cell = {"mean": data(average, _text(average, unit, places))}
    ends = interval(values.values())
    if ends is None or column.timing or len(set(values.values())) == 1:
        return cell
    low, high = (max(0.0, ends[0]), min(1.0, ends[1])) if unit == "share" else ends
    return cell | {"ci": Markup("[{}, {}]").format(*(data(end, _text(end, unit, places)) for end in (low, high)))}


def _text(value: float, unit: str, places: int) -> str:
    scaled = value * factor(unit)
    text = shown(scaled, places)
    return scientific(scaled) if value != 0 and not any(digit in text for digit in "123456789n") else text


def targets(study: StudyState) -> list[dict[str, Any]]:
    """One table per setting: what each export weighs, how far it is from its network, and what is left of accuracy."""
    groups: dict[tuple[tuple[str, str], ...], list[dict[str, Any]]] = {}
    batches = sorted({row.at for row in study.metrics if row.metric == "latency_ratio"}, key=_by_number)
    for row in study.targets:
        point = rows.parse_point(row.variant)
        measured = {
            (m.metric, m.split, m.at): m for m in study.metrics if (m.variant, m.target) == (row.variant, row.target)
        }
        native = {(m.metric, m.split): m for m in study.metrics if (m.variant, m.target) == (row.variant, rows.NATIVE)}
        cells = _target_cells(measured, batches)
        groups.setdefault(point.axes, []).append(
            {
                "variant": point.variant,
                "target": row.target,
                "missing": row.missing or ("" if any(cells) else "not computed"),
                "cells": cells,
                "still": _still(measured, native),
            }
        )
    return [
        {"title": ", ".join(f"{axis} {value}" for axis, value in axes), "batches": batches, "body": body}
        for axes, body in groups.items()
    ]


def _by_number(at: str) -> tuple[int, str]:
    digits = "".join(character for character in at if character.isdigit())
    return int(digits or 0), at


def _target_cells(measured: Mapping[tuple[str, str, str], Any], batches: Sequence[str]) -> list[Markup | None]:
    """Size, largest difference, latency by batch, accuracy kept, accuracy forgotten."""

    def at(metric: str, split: str = "", where: str = "") -> Any:
        return measured.get((metric, split, where))

    size, difference = at("size_bytes"), at("max_logit_difference") or at("max_absolute_difference")
    cells: list[Markup | None] = [
        None if size is None else data(size.mean, kilobytes(size.mean)),
        None
        if difference is None
        else data(max(difference.values.values()), scientific(max(difference.values.values()))),
    ]
    for batch in batches:
        ratio = at("latency_ratio", "", batch)
        cells.append(None if ratio is None else data(ratio.mean, shown(ratio.mean, 2)))
    for split in ("retain", "forget"):
        whole = at("accuracy", "test") or at("state_accuracy", "test")
        found = at("accuracy", split) or (whole if split == "retain" else None)
        cells.append(None if found is None else data(found.mean, shown(100 * found.mean, 1)))
    return cells


def _still(measured: Mapping[tuple[str, str, str], Any], native: Mapping[tuple[str, str], Any]) -> Markup | str:
    """What export did to the forgetting: the change on forgotten rows since the network it came from, in points."""
    texts: list[Markup | str] = []
    for metric, words in (("accuracy", "accuracy"), ("mia_success", "attack")):
        here, there = measured.get((metric, "forget", "")), native.get((metric, "forget"))
        if here is None or there is None or set(here.values) != set(there.values):
            continue
        change = here.mean - there.mean
        if here.values == there.values:
            texts.append(f"{words} unchanged")
        else:
            text = shown(100 * change, 1)
            sign = "+" if change > 0 and text.strip("0.") else ""
            texts.append(Markup("{} {}\u00a0pt").format(words, data(change, sign + text)))
    if not texts:
        return "not measured"
    unchanged = all(isinstance(text, str) and text.endswith("unchanged") for text in texts)
    return "as before export, in every seed" if unchanged else joined(texts)


def target_notes(study: StudyState) -> list[Markup]:
    """Per target: how well calibrators kept its predictions, what 7 bits cost, and for which machines that holds."""
    notes = []
    for target in dict.fromkeys(row.target for row in study.targets):
        machines = list(dict.fromkeys(name for row in study.targets if row.target == target for name in row.machines))
        kept = _kept(study, target)
        holds = Markup("holds for the instruction set it was compared on only: {}").format(" and ".join(machines))
        parts = ([kept] if kept else []) + ([holds] if machines else [])
        if parts:
            notes.append(Markup('<span class="mono">{}</span>: {}.').format(target, joined(parts, "; ")))
    return notes


def _kept(study: StudyState, target: str) -> Markup:
    """`keeps 99.8 % of its network's predictions (calibrator entropy: 98.1 %)`, least of all runs."""
    least: dict[str, float] = {}
    for row in study.metrics:
        if row.metric == "argmax_agreement" and row.target == target and row.values:
            least[row.at] = min(least.get(row.at, 1.0), *row.values.values())
    if "" not in least:
        return Markup()
    others = (
        Markup("{}: {} %").format(at.replace("=", " "), data(value, shown(100 * value, 1)))
        for at, value in sorted(least.items())
        if at
    )
    text = Markup("keeps at least {} % of its network’s predictions").format(data(least[""], shown(100 * least[""], 1)))
    return text + (Markup(" ({})").format(joined(others)) if len(least) > 1 else "")


def retrained_forget(study: StudyState) -> Markup | None:
    """Accuracy of the retrained network on the forgotten rows, the reference of that column; None if it varies."""
    found = [
        row.mean
        for row in study.metrics
        if row.metric == "accuracy" and row.split == "forget" and row.target == rows.NATIVE
        if rows.role_of(study, rows.parse_point(row.variant).variant) == "retrained"
    ]
    return data(found[0], shown(100 * found[0], 1)) if len(found) == 1 else None


def data_card(study: StudyState, dataset: Dataset) -> list[tuple[str, Markup | str]]:
    """What the data are: only what is known is listed."""
    total = sum(dataset.counts.values())
    splits = joined((Markup("{} {}").format(count(n), split) for split, n in dataset.counts.items()), " · ")
    names = dataset.class_names
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    card: list[tuple[str, Markup | str]] = [
        ("Data set", dataset.name),
        ("Origin", dataset.origin + (f"; stands in for {study.stands_in_for}" if study.stands_in_for else "")),
        ("Source", dataset.source),
        ("Rows", Markup("{} in all: {}").format(count(total), splits) if dataset.counts else ""),
        ("Forgotten", _forgotten(study, dataset)),
        ("Shape", " × ".join(str(n) for n in dataset.input_shape)),
        ("Classes", Markup("{}: {}").format(count(len(names)), listed) if names else ""),
        ("Licence", dataset.licence),
        ("Notes", dataset.notes),
        ("Differs from the paper", study.differs),
        ("Content hash", Markup('<span class="mono">{}</span>').format(dataset.content) if dataset.content else ""),
    ]
    return [(name, value) for name, value in card if value]


def _forgotten(study: StudyState, dataset: Dataset) -> Markup:
    """Per setting: the rule of each seed in turn, and how many training rows it takes."""
    lines = []
    for setting, rules in study.forgotten.items():
        if dataset.settings and setting and setting not in dataset.settings:
            continue
        rows_n = {
            row.n
            for row in study.metrics
            if row.metric == "mia_success" and row.n and setting in ("", *_settings(row.variant))
        }
        words = " · ".join(dict.fromkeys(rules.values()))
        number = Markup(" ({} training rows)").format(count(rows_n.pop())) if len(rows_n) == 1 else ""
        name = f"{setting.replace('=', ' ')}: " if setting and len(study.forgotten) > 1 else ""
        lines.append(Markup("{}{}{}").format(name, words, number))
    return Markup("<br>").join(lines)


def _settings(variant: str) -> tuple[str, ...]:
    return tuple(f"{axis}={value}" for axis, value in rows.parse_point(variant).axes)


def provenance(study: StudyState) -> list[dict[str, Any]]:
    """Nodes in the order of the line, with what they cost."""
    places = decimals([node.cpu_seconds for node in study.nodes if node.cpu_seconds], "s")
    return [
        {
            "name": node.name,
            "stage": node.stage,
            "component": node.component,
            "key": node.key,
            "nodes": count(node.nodes),
            "seeds": listed(node.seeds),
            "cpu": None
            if node.cpu_seconds is None
            else data(node.cpu_seconds, shown(node.cpu_seconds, min(places, 2))),
            "memory": None if node.peak_memory_mb is None else data(node.peak_memory_mb, shown(node.peak_memory_mb, 0)),
            "made": _made(node.from_store, node.date),
        }
        for node in study.nodes
    ]


def _made(from_store: bool | None, date: str) -> str:
    if from_store is None:
        return date or "–"
    return f"store{f', {date}' if date else ''}" if from_store else "this run"


def facts(study: StudyState) -> list[tuple[str, Markup | str]]:
    """Code, criteria, configuration, packages and machine behind a study."""
    packages = " · ".join(f"{name} {version}" for name, version in sorted(study.packages.items()))
    commits = joined((Markup('<span class="mono">{}</span>').format(one[:10]) for one in study.commits), ", ")
    code = Markup("commit {}").format(commits) if study.commits else "commit not recorded (no git when it ran)"
    table = Markup('<span class="mono">results/metrics/{}.csv</span>').format(study.slug)
    config = Markup('<span class="mono">{}</span>').format(study.config) if study.config else ""
    listed: list[tuple[str, Markup | str]] = [
        ("Code", code if study.nodes else ""),
        ("Configuration", config),
        ("Packages", packages),
        ("Machine", "; ".join(study.machines)),
        ("Rows behind this page", Markup("{}, one model each").format(table) if study.metrics else ""),
    ]
    return [(name, value) for name, value in listed if value]


def cost(nodes: Iterable[Any]) -> Markup | str:
    """`96 s CPU`."""
    known = [node.cpu_seconds for node in nodes if node.cpu_seconds is not None]
    return Markup("{} CPU").format(seconds(sum(known))) if known else "not measured"
