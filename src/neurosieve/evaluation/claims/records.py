"""What is shown of each compare, and what it is worth for the verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosieve.evaluation.claims import statistics
from neurosieve.evaluation.claims.labels import number


@dataclass(frozen=True)
class Record:
    """One compare as measured.

    `low` and `high`: the 95 % interval of left − right (`scale` difference), of left / right (`ratio`) or of the
    ratio of the odds (`odds`); `threshold` is where that interval is cut: 0 or the margin, or 1. `uncertain`:
    the interval contains the threshold, or there is none. `pooled`: axes along which values were averaged although
    nothing names them. `paper`: the paper's own figure for left. `passing` of `n` seeds lie on the asked side;
    `share_low` and `share_high`: Wilson's 95 % interval of that share, where seeds are counted.
    """

    label: str
    is_: str
    against: str
    path: str = ""
    cell: str = ""
    left: float | None = None
    right: float | None = None
    margin: float | None = None
    bounds: tuple[float, ...] = ()
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    scale: str = "difference"
    threshold: float | None = None
    seeds: tuple[int, ...] = ()
    left_seeds: tuple[float, ...] = ()
    right_seeds: tuple[float, ...] = ()
    n: int = 0
    items: int = 0
    passing: int | None = None
    holds: bool | None = None
    uncertain: bool = False
    reason: str = ""
    p: float | None = None
    sign_probability: float | None = None
    permutation_probability: float | None = None
    chosen: str = ""
    pooled: str = ""
    paper: float | None = None
    share_low: float | None = None
    share_high: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: no NaN, `is` without its underscore."""
        named = {name.rstrip("_"): _plain(value) for name, value in vars(self).items()}
        return named

    @property
    def text(self) -> str:
        """`accuracy forget ssd 0.03, at most 0.1 (95 % interval of the difference −0.09 to −0.05)`."""
        where = f" [{self.cell}]" if self.cell else ""
        if self.left is None:
            return f"{self.label}{where}: {self.reason}" if self.is_ in _RELATION else self.reason
        value = "" if self.right is None or number(self.right) in self.against else f" = {number(self.right)}"
        where += f", pooled over {self.pooled}," if self.pooled else ""
        text = f"{self.label}{where} is {number(self.left)}, {_RELATION[self.is_]} {self.against}{value}"
        if self.low is not None and self.high is not None:
            text += f" (95 % interval of the {_SCALES[self.scale]} {number(self.low)} to {number(self.high)})"
        return text


_RELATION = {
    "above": "asked above",
    "at_least": "asked at least",
    "below": "asked below",
    "at_most": "asked at most",
    "within": "asked within",
    "between": "asked between",
}
_SCALES = {"difference": "difference", "ratio": "ratio", "odds": "odds ratio"}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


@dataclass(frozen=True)
class Judged:
    """A compare's record with what the logic above it needs.

    `missing`: it was not computed. `luck`: chance of holding were the effect exactly on the threshold.
    `replicates`: seeds it rests on (None: one bound seed, or nothing that is drawn).
    """

    record: Record
    missing: bool = False
    luck: float = 0.5
    replicates: int | None = None


def merge_seeds(records: list[Record], seeds: list[int]) -> list[Record]:
    """Records of one compare judged seed by seed become one, with every seed's values and the count of seeds."""
    groups: dict[tuple[str, str], list[tuple[int, Record]]] = {}
    for seed, record in zip(seeds, records, strict=True):
        groups.setdefault((record.path, record.cell), []).append((seed, record))
    return [_merged(members) for members in groups.values()]


def _merged(members: list[tuple[int, Record]]) -> Record:
    known = [(seed, record) for seed, record in members if record.left is not None and record.right is not None]
    first = (known or members)[0][1]
    if len(members) == 1 or not known:
        return first
    left = np.array([record.left for _, record in known], dtype=float)
    right = np.array([record.right for _, record in known], dtype=float)
    verdicts = [record.holds for _, record in members]
    passing = sum(one is True for one in verdicts)
    low, high = statistics.t_interval(left - right)
    share = statistics.wilson(passing, len(members))
    one_sided = first.is_ not in ("within", "between")
    return replace(
        first,
        left=float(left.mean()),
        right=float(right.mean()),
        difference=float((left - right).mean()),
        low=None if np.isnan(low) else float(low),
        high=None if np.isnan(high) else float(high),
        scale="difference",
        threshold=first.margin if first.is_ == "within" else 0.0,
        seeds=tuple(seed for seed, _ in known),
        left_seeds=tuple(left.tolist()),
        right_seeds=tuple(right.tolist()),
        n=len(members),
        passing=passing,
        holds=None if None in verdicts else passing == len(members),
        uncertain=False,
        share_low=share[0],
        share_high=share[1],
        reason=next(
            (record.reason for _, record in members if record.holds is None), f"{passing} of {len(members)} seeds"
        ),
        sign_probability=statistics.binomial_above(passing, len(members)) if one_sided else None,
    )
