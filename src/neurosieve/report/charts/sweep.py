"""A method over the parameter it was swept along: accuracy on rows kept and forgotten, or a study's first measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import altair as alt

from neurosieve.report import rows
from neurosieve.report.charts import theme
from neurosieve.report.charts.figure import Cell, Figure, Panel, as_number, metric_words, nice, seed_words, title_of
from neurosieve.report.numbers import data, decimals, factor, joined, mean, shown, unit_word
from neurosieve.report.state import StudyState

HEIGHT = 230
Curve = tuple[rows.Column, str, dict[float, dict[int | None, float]]]
LETTERS = {"alpha": "α", "lambda": "λ", "beta": "β", "gamma": "γ", "sigma": "σ", "tau": "τ"}


def sweeps(study: StudyState, panels: Sequence[rows.Panel]) -> Figure | None:
    """One panel per setting and value of the other axes; None where no variant was swept along numbers."""
    drawn: list[Panel] = []
    body: list[tuple[Cell, ...]] = []
    found = _swept(study, panels)
    if found is None:
        return None
    axis, columns, groups = found
    unit = columns[0].unit
    scaled = factor(unit)
    every = [
        scaled * v for _, curves in groups for _, _, points in curves for by in points.values() for v in by.values()
    ]
    ticks = [0.0, 25.0, 50.0, 75.0, 100.0] if unit == "share" else nice(every)
    xs = sorted({x for _, curves in groups for _, _, points in curves for x in points})
    for title, curves in groups:
        drawn.append(Panel(title, _rows(curves, scaled, ticks), HEIGHT, _said(curves, axis, scaled)))
        body += _numbers(title, curves, unit)
    words = " and ".join(dict.fromkeys(_words(column) for column in columns))
    letter = LETTERS.get(axis, axis)
    return Figure(
        "sweep",
        title_of(study, "sweep", f"How does it depend on {letter}?"),
        f"{words[:1].upper()}{words[1:]} as {letter} grows.",
        _spec(axis, xs, ticks, groups[0][1]),
        tuple(drawn),
        f"Thick: mean of {seed_words(study)}. Thin: single seeds; no interval is drawn, the runs themselves are.",
        ("Panel", "Measure", letter, f"mean{_unit(unit)}", "each seed"),
        tuple(body),
    )


def _swept(
    study: StudyState, panels: Sequence[rows.Panel]
) -> tuple[str, list[rows.Column], list[tuple[str, list[Curve]]]] | None:
    """The axis with most numeric values, the measures shown, and the curves by panel title.

    What a figure of the study's file draws along its axis is not drawn twice.
    """
    declared = {(variant, one.x) for one in study.figures for variant in one.variants}
    points = [point for panel in panels for point in panel.points if point.axes]
    axes: dict[tuple[str, str], set[str]] = {}
    for point in points:
        for name, value in point.axes:
            if as_number(value) is not None:
                axes.setdefault((point.variant, name), set()).add(value)
    wide = {key: values for key, values in axes.items() if len(values) > 2 and key not in declared}
    if not wide:
        return None
    variant, axis = max(wide, key=lambda key: (key[0].startswith(study.slug), len(wide[key])))
    columns = _measures(panels, variant)
    groups: dict[str, dict[rows.Column, dict[float, dict[int | None, float]]]] = {}
    for panel in panels:
        for point in panel.points:
            own = dict(point.axes)
            place = as_number(own.pop(axis, ""))
            if point.variant != variant or place is None:
                continue
            rest = ", ".join(f"{LETTERS.get(name, name)} = {value}" for name, value in own.items())
            title = " · ".join(part for part in (panel.label if len(panels) > 1 else "", rest) if part)
            for column in columns:
                if values := panel.cells.get((point, column)):
                    groups.setdefault(title, {}).setdefault(column, {})[place] = values
    listed = [(title, [(c, _words(c), dict(sorted(p.items()))) for c, p in by.items()]) for title, by in groups.items()]
    return (axis, columns, listed) if columns and listed else None


def _measures(panels: Sequence[rows.Panel], variant: str) -> list[rows.Column]:
    """Both accuracies where rows are forgotten, else the first measure that the variant has at most of its points."""
    cells = [cell for panel in panels for cell in panel.cells]
    points = Counter(column for point, column in cells if point.variant == variant and point.axes)
    mine = [
        column
        for panel in panels
        for column in panel.columns
        if not column.at and not column.timing and points[column] == max(points.values(), default=0)
    ]
    both = [
        column for column in dict.fromkeys(mine) if column.metric == "accuracy" and column.split in ("retain", "forget")
    ]
    return both if len(both) == 2 else mine[:1]


def _words(column: rows.Column) -> str:
    if column.metric == "accuracy" and column.split in ("retain", "forget"):
        return f"accuracy on the rows {'kept' if column.split == 'retain' else 'forgotten'}"
    return metric_words(column)


def _unit(unit: str) -> str:
    return f", {unit_word(unit)}" if unit_word(unit) else ""


def _title(columns: Sequence[rows.Column]) -> str:
    """Of the axis: measure, unit, and which way is better, of each where they differ."""
    first = columns[0]
    words = "accuracy, %" if first.metric == "accuracy" else f"{_words(first)}{_unit(first.unit)}"
    if len(columns) > 1:
        named = (f"{_short(_words(column)).removeprefix('rows ')} {column.arrow}" for column in columns)
        return f"{words}   {', '.join(named)}"
    return f"{words}   {first.arrow}{' better' if first.arrow in ('↑', '↓') else ''}".strip()


def _spec(axis: str, xs: Sequence[float], ticks: list[float], curves: Sequence[Curve]) -> dict[str, Any]:
    log = xs[0] > 0 and xs[-1] / xs[0] >= 8
    pad = (xs[-1] / xs[0]) ** 0.06 if log else 0.06 * (xs[-1] - xs[0])
    letter = LETTERS.get(axis, axis)
    names = {
        "@x": f"{letter}{', log scale' if log else ''}",
        "@letter": letter,
        "@first": xs[0] / pad if log else xs[0] - pad,
        "@last": xs[-1] * pad if log else xs[-1] + pad,
        "@places": list(xs),
        "@y": _title([column for column, _, _ in curves]),
        "@low": ticks[0],
        "@high": ticks[-1],
        "@ticks": ticks,
        "@names": [words for _, words, _ in curves],
    }
    return theme.filled(_template(log), names)


@cache
def _template(log: bool) -> dict[str, Any]:
    ends = ["@first", "@last"]
    scale = alt.Scale(domain=ends, type="log") if log else alt.Scale(domain=ends, zero=False)
    x = alt.X("x:Q", title="@x", scale=scale, axis=alt.Axis(values=["@places"], grid=False, format="~g"))
    y = alt.Y(
        "y:Q",
        title="@y",
        scale=alt.Scale(domain=["@low", "@high"], zero=False),
        axis=alt.Axis(values=["@ticks"]),
    )
    dashes = alt.Scale(domain=["@names"], range=[[1, 0], [5, 3], [2, 2]])
    dash = alt.StrokeDash("what:N", legend=None, scale=dashes)
    ours = theme.ROLE["method"]
    tips = [
        alt.Tooltip("what:N", title="on"),
        alt.Tooltip("x:Q", title="@letter"),
        alt.Tooltip("y:Q", format=".3~g", title="mean"),
    ]
    means, runs, labels = theme.rows("means"), theme.rows("runs"), theme.rows("labels")
    thin = runs.mark_line(strokeWidth=1, opacity=0.4, color=ours)
    return theme.template(
        alt.layer(
            thin.encode(x=x, y=y, detail="run:N", strokeDash=dash),
            means.mark_line(strokeWidth=2.4, color=ours).encode(x=x, y=y, detail="what:N", strokeDash=dash),
            means.mark_point(size=46, color=ours).encode(x=x, y=y, tooltip=tips),
            theme.words(labels, dx="0", dy="-12", color=theme.TEXT["method"]).encode(x=x, y=y, text="t:N"),
        )
    )


def _rows(curves: Sequence[Curve], scaled: float, ticks: list[float]) -> dict[str, list[dict[str, Any]]]:
    return {
        "means": [
            _point(words, place, mean(by.values()), scaled)
            for _, words, points in curves
            for place, by in points.items()
        ],
        "runs": [
            _point(words, place, value, scaled) | {"run": f"{number} {seed}"}
            for number, (_, words, points) in enumerate(curves)
            for place, by in points.items()
            for seed, value in by.items()
        ],
        "labels": _labels(curves, scaled, ticks),
    }


def _point(words: str, place: float, value: float | None, scaled: float) -> dict[str, Any]:
    return {"what": words, "x": place, "y": theme.rounded(scaled * (value or 0.0))}


def _labels(curves: Sequence[Curve], scaled: float, ticks: list[float]) -> list[dict[str, Any]]:
    """A name over each curve, where the curves are apart: the upper one's where that is most, the lower one's first."""
    span = ticks[-1] - ticks[0]
    if len(curves) < 2:
        _, words, points = curves[0]
        places = list(points)
        middle = places[len(places) // 2]
        return [_point(words, middle, mean(points[middle].values()), scaled) | {"t": words, "side": "left"}]
    shared = sorted(set(curves[0][2]) & set(curves[1][2]))
    means = [{place: scaled * (mean(points[place].values()) or 0.0) for place in shared} for _, _, points in curves]
    apart = {place: abs(means[0][place] - means[1][place]) for place in shared}
    if not shared or max(apart.values()) < 0.15 * span:
        return []
    widest = max(shared, key=apart.__getitem__)
    first = next(place for place in shared if apart[place] >= min(0.15 * span, apart[widest]))
    labels = []
    for (_, words, _), points, other in zip(curves, means, reversed(means), strict=True):
        place = widest if points[widest] > other[widest] else first
        side = "left" if shared.index(place) < len(shared) / 2 else "right"
        labels.append({"x": place, "y": theme.rounded(points[place]), "t": _short(words), "side": side})
    return labels


def _short(words: str) -> str:
    return words.removeprefix("accuracy on the ")


def _numbers(title: str, curves: Sequence[Curve], unit: str) -> list[tuple[Cell, ...]]:
    listed: list[tuple[Cell, ...]] = []
    scaled = factor(unit)
    for _, words, points in curves:
        for place, by in points.items():
            places = decimals(by.values(), unit)
            each = joined((data(v, shown(scaled * v, places)) for v in by.values()), " · ")
            average = mean(by.values()) or 0.0
            listed.append((title or "–", words, f"{place:g}", data(average, shown(scaled * average, places)), each))
    return listed


def _said(curves: Sequence[Curve], axis: str, scaled: float) -> str:
    texts = []
    for _, words, points in curves:
        values = ", ".join(
            f"{shown(scaled * (mean(by.values()) or 0.0), 1)} at {place:g}" for place, by in points.items()
        )
        texts.append(f"{words}: {values}")
    return f"Over {LETTERS.get(axis, axis)}: {'; '.join(texts)}"
