"""The composition page: what is left of forgetting and of accuracy when a network is also pruned and exported."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from neurosieve.report import rows
from neurosieve.report.charts import composition as drawing
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Cell, Figure, Panel, nice, seed_words, title_of
from neurosieve.report.numbers import data, interval, mean, shown
from neurosieve.report.state import MetricRow, Site, StudyState

LEAKAGE = "leakage"
"""|AUC − 0.5| of an attack, as `membership_inference` measures it."""
WORDS = {"unlearn": "forget", "prune": "prune", "sparsify": "sparsify", "adapt": "tune"}
Values = dict[int | None, float]
Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """One variant on one target: how sparse it is, and what is left of forgetting and of accuracy, by seed."""

    variant: str
    order: str
    target: str
    sparsity: float
    leakage: Values
    kept: Values
    latency: float | None

    @property
    def fast(self) -> bool:
        """Whether the export is no slower than the network it came from."""
        return self.latency is None or self.latency <= 1


@dataclass(frozen=True)
class Composed:
    """A study's chains that forget and prune, in one setting."""

    study: StudyState
    setting: str
    key: str
    steps: tuple[Step, ...]
    auc: bool
    reference_leakage: float
    reference_kept: float | None

    @property
    def orders(self) -> list[str]:
        return list(dict.fromkeys(step.order for step in self.steps if step.order))

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(step.target for step in self.steps))


def composed(site: Site) -> list[Composed]:
    """Every study and setting with a chain that forgets and prunes, where an attack was measured."""
    found = [one for study in site.studies if study.scale != "smoke" for one in _of_study(study)]
    return [one for one in found if one is not None and one.orders]


def _of_study(study: StudyState) -> Iterable[Composed | None]:
    both = [name for name, chain in study.chains.items() if {"unlearn", "prune"} <= set(chain)]
    settings = dict.fromkeys(
        _setting(row.variant) for row in study.metrics if rows.parse_point(row.variant).variant in both
    )
    return [_composed(study, setting) for setting in settings]


def _setting(variant: str) -> Settings:
    """Axes of a point but those of a sweep over sparsity."""
    return tuple((axis, value) for axis, value in rows.parse_point(variant).axes if axis != "sparsity")


def _composed(study: StudyState, setting: Settings) -> Composed | None:
    table = {
        (row.variant, row.target, row.metric, row.split): row
        for row in study.metrics
        if _setting(row.variant) == setting and row.at in ("", "batch=1")
    }
    auc = any(metric == LEAKAGE for _, _, metric, _ in table)
    retrained = _retrained(study, table)
    steps = [
        step
        for variant, target in dict.fromkeys((variant, target) for variant, target, _, _ in table)
        if (step := _step(study, table, variant, target, retrained, auc)) is not None
    ]
    if not steps or not _values(table, retrained, "native", LEAKAGE if auc else "mia_success", "forget"):
        return None
    kept = mean(_values(table, retrained, "native", "accuracy", "retain").values())
    level = mean(_values(table, retrained, "native", LEAKAGE, "forget").values()) if auc else 0.0
    label = ", ".join(f"{axis} {value}" for axis, value in setting)
    key = ",".join(f"{axis}={value}" for axis, value in setting)
    return Composed(study, label, key, tuple(steps), auc, level or 0.0, kept)


Table = dict[tuple[str, str, str, str], MetricRow]


def _values(table: Table, variant: str, target: str, metric: str, split: str = "") -> Values:
    row = table.get((variant, target, metric, split))
    return {} if row is None else row.values


def _retrained(study: StudyState, table: Table) -> str:
    names = (variant for variant, _, _, _ in table)
    return next((v for v in names if rows.role_of(study, rows.parse_point(v).variant) == "retrained"), "")


def _step(study: StudyState, table: Table, variant: str, target: str, retrained: str, auc: bool) -> Step | None:
    chain = study.chains.get(rows.parse_point(variant).variant, ())
    if rows.role_of(study, rows.parse_point(variant).variant) != "method" or "unlearn" not in chain:
        return None
    weights, alive = (_values(table, variant, "native", metric) for metric in ("parameters", "nonzeros"))
    pruned = "prune" in chain
    cut = mean(1 - alive[seed] / weights[seed] for seed in alive if weights.get(seed)) if pruned else 0.0
    leakage = _leakage(table, variant, target, retrained, auc)
    if cut is None or not leakage or (not pruned and variant.split("@")[0] != study.slug):
        return None
    latency = mean(_values(table, variant, target, "latency_ratio").values())
    kept = _values(table, variant, target, "accuracy", "retain")
    order = ", then ".join(WORDS.get(step, step) for step in chain) if pruned else ""
    return Step(variant, order, target, cut, leakage, kept, latency)


def _leakage(table: Table, variant: str, target: str, retrained: str, auc: bool) -> Values:
    """|AUC − 0.5| where an AUC was measured, else the distance of the attack from the retrained network's."""
    if auc:
        return _values(table, variant, target, LEAKAGE, "forget")
    ours = _values(table, variant, target, "mia_success", "forget")
    theirs = _values(table, retrained, "native", "mia_success", "forget")
    return {seed: abs(v - theirs[seed]) for seed, v in ours.items() if seed in theirs}


def page(found: Sequence[Composed]) -> dict[str, Any] | None:
    """What the composition page shows; None where no study forgets and prunes."""
    if not found:
        return None
    drawn = [one for one in found if _first_of_its_data(one, found)]
    figures = [_figure(one, measure) for one in drawn for measure in ("leakage", "kept")]
    return {
        "title": _title(found[0]),
        "what": _what(found[0]),
        "best": [row for one in found for row in _best(one)],
        "figures": [figure for figure in figures if figure],
        "rest": [f"{one.study.slug} {one.setting}" for one in found if one not in drawn],
    }


def _first_of_its_data(one: Composed, found: Sequence[Composed]) -> bool:
    """One setting per dataset is drawn; the others stand in the table and on the study's page."""
    same = [other for other in found if other.study is one.study and _data_of(other) == _data_of(one)]
    return same[0] is one


def _data_of(one: Composed) -> str:
    names = [dataset.name for dataset in one.study.datasets if set(dataset.settings) & {one.key}]
    return names[0] if names else ""


def teaser(found: Sequence[Composed]) -> dict[str, Any] | None:
    """The first row of the composition as static drawings, for the index."""
    if not found:
        return None
    one = found[0]
    drawn = drawing.spec(_ticks(one, "leakage"), "leakage")
    panels = []
    for number, (target, order, steps) in enumerate(_groups(one)[:3]):
        label = str(escape(_said(target, order, steps, "leakage")))
        rows_ = {"datasets": _rows(one, steps, "leakage", number == 0)}
        svg = drawing.static(drawn | rows_, label, f"c{number}")
        panels.append({"target": target, "order": order, "svg": Markup(svg)})
    return {"title": _title(one), "what": _what(one), "panels": panels, "foot": _foot(one)}


def _title(one: Composed) -> str:
    question = "Does what was forgotten stay forgotten when weights are pruned?"
    return title_of(one.study, "composition", question)


def _what(one: Composed) -> str:
    if one.auc:
        return "leakage = how far an attack on the forgotten rows is from a coin toss, |AUC − 0.5|"
    return "leakage = how far an attack on the forgotten rows is from what it finds in the retrained network"


def _groups(one: Composed) -> list[tuple[str, str, list[Step]]]:
    """Steps by order and target, each beginning with the network that was not pruned, where it was measured there."""
    found = []
    for order in one.orders:
        for target in one.targets:
            steps = [step for step in one.steps if step.target == target and step.order in ("", order)]
            if any(step.order for step in steps):
                found.append((target, order, sorted(steps, key=lambda step: step.sparsity)))
    return found


def _figure(one: Composed, measure: str) -> Figure | None:
    groups = [(t, o, [s for s in steps if _of(s, measure)]) for t, o, steps in _groups(one)]
    groups = [(target, order, steps) for target, order, steps in groups if steps]
    level = one.reference_leakage if measure == "leakage" else one.reference_kept
    if not groups or level is None:
        return None
    words = "leakage" if measure == "leakage" else "accuracy kept, %"
    panels = tuple(
        Panel(
            f"{target} · {order}",
            _rows(one, steps, measure, number == 0),
            drawing.HEIGHT,
            _said(target, order, steps, measure),
        )
        for number, (target, order, steps) in enumerate(groups)
    )
    questions = {
        "leakage": "What can an attack still find?",
        "kept": "What is left of the accuracy on everything else?",
    }
    subs = {
        "leakage": "Leakage on the forgotten rows, in points; lower is better.",
        "kept": "Accuracy on the test rows kept, %; higher is better.",
    }
    name = f"composition-{measure}"
    where = f" ({one.study.slug}, {one.setting})" if one.setting else f" ({one.study.slug})"
    tail = "" if one.setting == "" else "-" + "".join(c if c.isalnum() else "-" for c in one.setting)
    return Figure(
        name + tail,
        title_of(one.study, name, questions[measure]),
        subs[measure] + where,
        drawing.spec(_ticks(one, measure), words),
        panels,
        _foot(one),
        ("Target", "Order", "Variant", "pruned, %", words, "95 % interval"),
        tuple(_number(target, order, step, measure) for target, order, steps in groups for step in steps),
        columns=min(3, len(one.targets)),
    )


def _of(step: Step, measure: str) -> Values:
    return step.leakage if measure == "leakage" else step.kept


def _level(one: Composed, measure: str) -> float:
    return 100 * (one.reference_leakage if measure == "leakage" else one.reference_kept or 0.0)


def _ticks(one: Composed, measure: str) -> list[float]:
    values = [100 * v for step in one.steps for v in _of(step, measure).values()]
    zero = [0.0] if measure == "leakage" else []
    return nice([*values, *zero, _level(one, measure)], (0, 100))


def _rows(one: Composed, steps: Sequence[Step], measure: str, named: bool) -> dict[str, list[dict[str, Any]]]:
    level = {"r": theme.rounded(_level(one, measure)), "at": 50, "t": "retrained" if named else ""}
    ticks = _ticks(one, measure)
    return {"points": _points(steps, measure, ticks[0] / 100, ticks[-1] / 100), "level": [level]}


def _points(steps: Sequence[Step], measure: str, least: float, most: float) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        values = _of(step, measure).values()
        average = mean(values)
        if average is None:
            continue
        low, high = interval(values) or (average, average)
        row = {
            "x": 100 * step.sparsity,
            "y": 100 * average,
            "low": 100 * max(least, low),
            "high": 100 * min(most, high),
        }
        rounded: dict[str, Any] = {name: theme.rounded(value) for name, value in row.items()}
        found.append(rounded | {"fast": step.fast})
    return found


def _number(target: str, order: str, step: Step, measure: str) -> tuple[Cell, ...]:
    values = _of(step, measure).values()
    average = mean(values) or 0.0
    pruned = data(step.sparsity, shown(100 * step.sparsity, 1))
    return target, order, rows.parse_point(step.variant).variant, pruned, _percent(average), _interval(values)


def _percent(value: float) -> Markup:
    return data(value, shown(100 * value, 1))


def _interval(values: Iterable[float]) -> Markup | str:
    ends = interval(values)
    if ends is None:
        return ""
    return Markup("[{}, {}]").format(_percent(max(0.0, ends[0])), _percent(min(1.0, ends[1])))


def _said(target: str, order: str, steps: Sequence[Step], measure: str) -> str:
    values = ", ".join(
        f"{shown(100 * (mean(_of(step, measure).values()) or 0.0), 1)} at {shown(100 * step.sparsity, 0)} %"
        for step in steps
    )
    words = "leakage in points" if measure == "leakage" else "accuracy kept in percent"
    return f"{target}, {order}: {words} over weights pruned: {values}"


def _foot(one: Composed) -> str:
    return (
        f"Points: mean of {seed_words(one.study)}. Bars: 95 % t-interval over the seeds, cut at the edges. Hollow: "
        "slower than the network it was exported from. Dashed: retrained without the rows."
    )


def _best(one: Composed) -> list[dict[str, Any]]:
    """Per target the sparsest variant of any order that is fast, and whose leakage includes the retrained level."""
    listed = []
    for target in one.targets:
        steps = [step for step in one.steps if step.target == target and step.order]
        fits = [step for step in steps if step.fast and _as_retrained(one, step)]
        best = max(fits, key=lambda step: (step.sparsity, mean(step.kept.values()) or 0.0), default=None)
        row: dict[str, Any] = {"target": target, "setting": one.setting, "study": one.study.slug}
        if best is not None:
            listed.append(row | _best_row(best))
        elif steps:
            slow = not any(step.fast for step in steps)
            why = "every one is slower than its network" if slow else "every one leaks more than the retrained network"
            listed.append(row | {"none": f"none: {why}"})
    return listed


def _best_row(best: Step) -> dict[str, Any]:
    kept, leakage = mean(best.kept.values()), mean(best.leakage.values())
    return {
        "none": "",
        "order": best.order,
        "variant": rows.parse_point(best.variant).variant,
        "pruned": _percent(best.sparsity),
        "latency": "–" if best.latency is None else data(best.latency, shown(best.latency, 2)),
        "leakage": _percent(leakage or 0.0),
        "ci": _interval(best.leakage.values()),
        "kept": "–" if kept is None else _percent(kept),
    }


def _as_retrained(one: Composed, step: Step) -> bool:
    """Whether the interval of the leakage (signed against the retrained network) includes the retrained level."""
    ends = interval(step.leakage.values())
    return ends is not None and ends[0] <= one.reference_leakage + 1e-12 and math.isfinite(ends[1])
