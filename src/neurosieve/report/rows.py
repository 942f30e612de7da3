"""Metric rows sorted for display: variants with their role and axes, columns by metric, split and axes."""

from __future__ import annotations

from dataclasses import dataclass, field

from neurosieve.report.numbers import mean
from neurosieve.report.state import MetricRow, Role, StudyState

MARKS: dict[Role, str] = {"original": "■", "retrained": "◆", "method": "●", "baseline": "▲"}
ORDER: tuple[Role, ...] = ("original", "retrained", "method", "baseline")
NATIVE = "native"


def parse_axes(text: str) -> dict[str, str]:
    """`b=2,a=1` -> `{"b": "2", "a": "1"}`."""
    pieces = (piece.partition("=") for piece in text.split(","))
    return {name: value for name, _, value in pieces if name and value}


@dataclass(frozen=True)
class Point:
    """A variant, or one point of it: `ssd@alpha=5` is variant `ssd` with axes `alpha=5`."""

    variant: str
    axes: tuple[tuple[str, str], ...] = ()

    @property
    def label(self) -> str:
        return self.variant + (f" {', '.join(f'{a} {v}' for a, v in self.axes)}" if self.axes else "")


def parse_point(text: str) -> Point:
    """`ssd@alpha=5,setting=random`; a checkpoint (`dense@e4`) stays in the name."""
    name, mark, axes = text.partition("@")
    if not mark or "=" not in axes:
        return Point(text)
    return Point(name, tuple(sorted(parse_axes(axes).items())))


def place_of(variant: str, at: str) -> tuple[str, dict[str, str]]:
    """A row's variant without its point, and all axes: those of the point and the metric's own."""
    point = parse_point(variant)
    return point.variant, {**dict(point.axes), **parse_axes(at)}


@dataclass(frozen=True)
class Column:
    """What one column of the table, or one figure, reads."""

    metric: str
    split: str = ""
    at: str = ""
    unit: str = ""
    direction: str = "ref"
    timing: bool = False

    @property
    def arrow(self) -> str:
        """Which way is good. On forgotten rows no value is good by itself: the retrained network is the reference."""
        if self.split == "forget":
            return "→ retrained"
        return {"higher": "↑", "lower": "↓"}.get(self.direction, "")


@dataclass
class Panel:
    """One value of the axes that all variants share: `setting=random`; values by point and column, by seed."""

    axes: tuple[tuple[str, str], ...]
    points: list[Point] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    cells: dict[tuple[Point, Column], dict[int | None, float]] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return ", ".join(f"{axis} {value}" for axis, value in self.axes)

    def mean(self, point: Point, column: Column) -> float | None:
        return mean(self.cells.get((point, column), {}).values())


def role_of(study: StudyState, variant: str) -> Role:
    """Role as the study gives it, else by name: the method bears its study's name (`ssd-pruned`, `pruned-ssd`)."""
    if variant in study.roles:
        return study.roles[variant]
    if variant in ("original", "dense", "baseline", "unadapted"):
        return "original"
    if variant.split("@")[0] in ("retrained", "retrain"):
        return "retrained"
    return "method" if f"-{study.slug}-" in f"-{variant.split('@')[0]}-" else "baseline"


def panels(study: StudyState) -> list[Panel]:
    """Native metrics by panel. An axis that the original (or most variants) has splits the study into panels."""
    native = [row for row in study.metrics if row.target == NATIVE and row.values]
    shared = _shared_axes(study, native)
    found: dict[tuple[tuple[str, str], ...], Panel] = {}
    for row in native:
        point = parse_point(row.variant)
        here = tuple(pair for pair in point.axes if pair[0] in shared)
        panel = found.setdefault(here, Panel(here))
        own = Point(point.variant, tuple(pair for pair in point.axes if pair[0] not in shared))
        column = Column(row.metric, row.split, row.at, row.unit, row.direction, row.timing)
        panel.cells[own, column] = dict(
            sorted(row.values.items(), key=lambda item: (item[0] is not None, item[0] or 0))
        )
        if own not in panel.points:
            panel.points.append(own)
        if column not in panel.columns:
            panel.columns.append(column)
    for panel in found.values():
        panel.points.sort(key=lambda point: ORDER.index(role_of(study, point.variant)))
        panel.columns.sort(key=_column_order)
    return list(found.values())


def _shared_axes(study: StudyState, rows: list[MetricRow]) -> set[str]:
    points = {parse_point(row.variant) for row in rows}
    variants = {point.variant for point in points}
    having: dict[str, set[str]] = {}
    for point in points:
        for axis, _ in point.axes:
            having.setdefault(axis, set()).add(point.variant)
    originals = {name for name in variants if role_of(study, name) == "original"}
    return {axis for axis, names in having.items() if names & originals or 2 * len(names) > len(variants)}


def _column_order(column: Column) -> int:
    """Accuracies first, other measures, what it costs, then counts; stable within."""
    if column.unit in ("count", "bytes"):
        return 3
    if column.timing or column.unit == "s":
        return 2
    return 0 if column.metric == "accuracy" else 1
