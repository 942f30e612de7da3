"""The evidence tables of a study page: a row per model, a column per attack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup

from neurosieve.report import rows
from neurosieve.report.numbers import data, shown
from neurosieve.report.state import Attack, Evidence, StudyState

VERDICTS = {"no trace": "holds", "trace found": "fails", "not resolvable": "inconclusive"}
"""Outcome -> the mark it shares with verdicts."""


def tables(study: StudyState) -> list[dict[str, Any]]:
    """One table per setting and seed, in the study's own order; none where nothing was attacked."""
    order = list(dict.fromkeys(row.variant for row in study.metrics))
    groups: dict[str, list[Evidence]] = {}
    for one in sorted(study.evidence, key=lambda one: order.index(one.variant) if one.variant in order else len(order)):
        axes = one.variant.partition("@")[2].replace("=", " ").replace(",", ", ")
        seeds = {other.seed for other in study.evidence if other.variant == one.variant}
        seed = f"seed {one.seed}" if len(seeds) > 1 else ""
        groups.setdefault(", ".join(part for part in (axes, seed) if part), []).append(one)
    return [_table(study, title, group) for title, group in groups.items()]


def _table(study: StudyState, title: str, group: Sequence[Evidence]) -> dict[str, Any]:
    attacks = [attack for one in group for attack in one.attacks]
    names = list(dict.fromkeys(attack.name for attack in sorted(attacks, key=lambda one: one.margin is None)))
    of = [max((one for one in attacks if one.name == name), key=lambda one: one.n) for name in names]
    remarks: dict[str, list[str]] = {}
    for one in group:
        for line in one.remarks:
            remarks.setdefault(line, []).append(_name(one))
    return {
        "title": title,
        "head": names,
        "beside": [(words, [told(attack) for attack in of]) for words, told in BESIDE.items()],
        "body": [_row(study, one, names) for one in group],
        "remarks": [_remark(line, of, len(group)) for line, of in remarks.items()],
    }


def _remark(line: str, of: Sequence[str], total: int) -> str:
    """A sentence, with the models it is said of where not of all."""
    text = line[:1].upper() + line[1:]
    return text if len(of) == total else f"{text} ({', '.join(of)})"


def _name(one: Evidence) -> str:
    variant = one.variant.partition("@")[0]
    return variant if one.target == rows.NATIVE else f"{variant} on {one.target}"


def _range(low: float | None, high: float | None) -> Markup:
    """`0.44 to 0.53`, or one number."""
    assert low is not None
    assert high is not None
    ends = [data(value, shown(value, 2)) for value in (low, high)]
    return ends[0] if high - low < 0.005 else Markup("{} to {}").format(*ends)


BESIDE: dict[str, Callable[[Attack], Markup | str]] = {
    "without a trace": lambda one: "–" if one.null_low is None else _range(one.null_low, one.null_high),
    "margin": lambda one: "–" if one.margin is None else Markup("± {}").format(data(one.margin, f"{one.margin:g}")),
    "units": lambda one: f"{one.n} {one.unit}",
    "resolves at best": lambda one: "–" if one.margin is None else f"± {one.half_width:.2f}",
}
"""What stands above the models, per attack: that of the most units."""


def _row(study: StudyState, one: Evidence, names: Sequence[str]) -> dict[str, Any]:
    role = rows.role_of(study, one.variant.partition("@")[0])
    found = {attack.name: attack for attack in one.attacks}
    return {
        "name": _name(one),
        "role": role,
        "mark": rows.MARKS[role],
        "outcome": one.outcome,
        "verdict": VERDICTS[one.outcome],
        "cells": [_cell(found[name]) if name in found else None for name in names],
    }


def _cell(attack: Attack) -> dict[str, Any]:
    outcome = attack.outcome or ""
    return {
        "value": data(attack.estimate, shown(attack.estimate, 2)),
        "interval": _range(attack.low, attack.high) if attack.high - attack.low >= 0.005 else "",
        "outcome": outcome,
        "verdict": VERDICTS.get(outcome, ""),
        "why": attack.why,
    }
