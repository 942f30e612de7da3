"""The vocabulary: name, unit, direction, home split and definition of every metric, one for all studies.

`vocabulary.csv` beside this module is the list. Two families are derived from it: `<metric>_matched` means the
same as the metric, `<metric>.<statistic>.<axis>` is a statistic of its curve along an axis.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal, cast

Direction = Literal["higher", "lower", "ref"]


@dataclass(frozen=True)
class Metric:
    """A metric of the vocabulary. `home` is the split it belongs to, "" for times, sizes and simulated systems."""

    name: str
    unit: str
    direction: Direction
    home: str
    definition: str
    known: bool = True


_STATISTICS: dict[str, tuple[str | None, Direction, str]] = {
    # Unit (None: the metric's own), direction, and what it is; `evaluation.curve` writes them.
    "spearman": ("[-1, 1]", "ref", "rank correlation with"),
    "spearman_p": ("p", "ref", "p of the rank correlation with"),
    "kruskal_p": ("p", "ref", "p of Kruskal-Wallis over"),
    "slope": ("", "ref", "least-squares slope on"),
    "r2": ("share", "higher", "R² of the straight line on"),
    "spread": (None, "lower", "largest − smallest along"),
    "inversion": (None, "lower", "largest step the wrong way along"),
    "argbest": ("axis", "ref", "position of the best along"),
    "crossing": ("axis", "ref", "crossing of the level along"),
    "area": ("", "ref", "area under the curve along"),
    "reversal": (None, "ref", "how far two curves swap places over"),
}


@cache
def vocabulary() -> Mapping[str, Metric]:
    """Every listed metric by name."""
    with Path(__file__).with_name("vocabulary.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["metric"]: Metric(
                row["metric"], row["unit"], cast("Direction", row["direction"]), row["home"], row["definition"]
            )
            for row in csv.DictReader(file)
        }


@lru_cache(maxsize=4096)
def metric(name: str) -> Metric:
    """A metric by name, derived ones too; an unlisted name (a user's own) has no unit, no direction, home test."""
    listed = vocabulary()
    if name in listed:
        return listed[name]
    base, *rest = name.split(".", 2)
    if len(rest) == 2 and rest[0] in _STATISTICS:
        of = metric(base.removeprefix("log_") if base not in listed else base)
        unit, direction, text = _STATISTICS[rest[0]]
        return Metric(
            name, of.unit if unit is None else unit, direction, of.home, f"{base}: {text} {rest[1]}", of.known
        )
    if name.endswith("_matched"):
        of = metric(name.removesuffix("_matched"))
        return Metric(name, of.unit, of.direction, of.home, f"{of.name}, interpolated at matched cost", of.known)
    return Metric(name, "", "ref", "test", "", known=False)


def unit(name: str) -> str:
    """Unit of a metric ("" where the vocabulary does not list it)."""
    return metric(name).unit


def direction(name: str) -> Direction:
    """`higher` or `lower` is better; `ref`: no direction of its own."""
    return metric(name).direction


def home_split(name: str) -> str:
    """The split a metric is read from where a claim names none."""
    return metric(name).home
