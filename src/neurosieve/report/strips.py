"""The pictures of a claim: each part on its own axis, and its margin in half-widths of its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

BEYOND = 4.0
"""Margins larger than this lie beyond the picture."""
FEW = 10
"""Runs that are drawn one by one; of more, only the interval is."""


@dataclass(frozen=True)
class Strip:
    """A part's picture, in percent of its width, on the axis of left − right (or left / right)."""

    label: str
    tinted: tuple[tuple[float, float], ...]
    rules: tuple[float, ...]
    bar: tuple[float, float] | None
    seeds: tuple[float, ...]
    dot: float
    paper: float | None = None
    """Where the paper's own figure lies."""


@dataclass(frozen=True)
class Margin:
    """(estimate − criterion) / half-width of the 95 % interval."""

    value: float

    @property
    def beyond(self) -> bool:
        return abs(self.value) > BEYOND

    @property
    def x(self) -> float:
        """Place in percent of the picture's width; the criterion is at 50."""
        return round(50 + 11.5 * min(max(self.value, -BEYOND), BEYOND), 2)

    @property
    def bar(self) -> tuple[float, float]:
        """Ends of the interval, cut at the picture's edges."""
        return round(max(self.x - 11.5, 0.0), 2), round(min(self.x + 11.5, 100.0), 2)

    @property
    def words(self) -> str:
        if self.beyond:
            return f"margin {'over' if self.value > 0 else 'under'} {'' if self.value > 0 else '−'}4 half-widths"
        return f"margin {self.value:+.1f} half-widths".replace("-", "−")


def position_of(part: Mapping[str, Any]) -> float | None:
    """Where a part lies on its axis: left − right, or left / right."""
    left, right = part.get("left"), part.get("right")
    if left is None or right is None:
        return None
    match part.get("scale", "difference"):
        case "ratio":
            return left / right if right else None
        case "odds":
            return (left * (1 - right)) / (right * (1 - left)) if 0 < right < 1 and left != 1 else None
        case _:
            return part["difference"] if part.get("difference") is not None else left - right


def _holding(part: Mapping[str, Any], position: float) -> tuple[float, float] | None:
    """The stretch of the axis where the part holds."""
    cut = part.get("threshold")
    cut = (0.0 if part.get("scale", "difference") == "difference" else 1.0) if cut is None else float(cut)
    match part.get("is"):
        case "above" | "at_least":
            return cut, math.inf
        case "below" | "at_most":
            return -math.inf, cut
        case "within":
            return -abs(cut), abs(cut)
        case "between":
            bounds = part.get("bounds") or ()
            left, right = part.get("left"), part.get("right")
            if len(bounds) == 2 and left is not None and right is not None:
                return min(bounds) - left + position, max(bounds) - left + position
    return None


def _seed_positions(part: Mapping[str, Any]) -> list[float]:
    lefts, rights = part.get("left_seeds") or (), part.get("right_seeds") or ()
    if part.get("scale", "difference") != "difference":
        ratio = part.get("scale") == "ratio" and len(rights) == len(lefts)
        return [a / b for a, b in zip(lefts, rights, strict=True) if a is not None and b] if ratio else []
    if rights and len(rights) == len(lefts):
        return [a - b for a, b in zip(lefts, rights, strict=True) if a is not None and b is not None]
    right = part.get("right")
    return [a - right for a in lefts if a is not None] if right is not None else []


def _paper_position(part: Mapping[str, Any]) -> float | None:
    """Where the paper's figure for left lies on the part's axis; None without one, or on an axis of odds."""
    left, scale = part.get("paper"), part.get("scale", "difference")
    if left is None or part.get("right") is None or scale == "odds":
        return None
    return position_of({"left": left, "right": part["right"], "scale": scale})


def strip_of(part: Mapping[str, Any]) -> Strip | None:
    """The picture of a part; None where it was not computed."""
    position = position_of(part)
    holding = None if position is None else _holding(part, position)
    if position is None or holding is None:
        return None
    low, high = part.get("low"), part.get("high")
    seeds = _seed_positions(part)
    rules = [end for end in holding if math.isfinite(end)]
    paper = _paper_position(part)
    near = [position, *rules, *(seeds if len(seeds) <= FEW else ()), *([] if paper is None else [paper])]
    width = max(near) - min(near) or 1.0
    # an interval of three seeds can be very long: the picture shows at most twice what the points need
    ends = [] if low is None or high is None else [max(low, min(near) - width), min(high, max(near) + width)]
    first, last = min([*near, *ends]), max([*near, *ends])
    pad = 0.08 * (last - first or 1.0)
    first, last = first - pad, last + pad

    def x(value: float) -> float:
        return round(100 * (min(max(value, first), last) - first) / (last - first), 2)

    holds = part.get("holds")
    label = "undecided" if holds is None else f"on the side where it {'holds' if holds else 'fails'}"
    if ends and part.get("uncertain"):
        label += ", the interval reaches across the criterion"
    label += f", the paper's figure is {part['paper']:g}" if paper is not None else ""
    return Strip(
        label=label,
        tinted=((x(holding[0]), round(x(holding[1]) - x(holding[0]), 2)),),
        rules=tuple(x(rule) for rule in rules),
        bar=(x(ends[0]), x(ends[1])) if ends else None,
        seeds=tuple(x(seed) for seed in seeds) if len(seeds) <= FEW else (),
        dot=x(position),
        paper=None if paper is None else x(paper),
    )


def margin_of(part: Mapping[str, Any]) -> Margin | None:
    """Signed distance of a part from its criterion, positive where it holds; None without an interval."""
    place = position_of(part)
    holding = None if place is None else _holding(part, place)
    low, high = part.get("low"), part.get("high")
    if place is None or holding is None or low is None or high is None:
        return None
    inside = min(abs(place - end) for end in holding if math.isfinite(end))
    signed = inside if holding[0] <= place <= holding[1] else -inside
    half = (high - low) / 2
    value = signed / half if half > 1e-12 else math.copysign(math.inf, signed) if signed else 0.0
    return Margin(value)


def weakness(part: Mapping[str, Any]) -> float:
    """Orders parts from the weakest: negative where one fails; one that was not computed is the weakest."""
    margin = margin_of(part)
    holds = part.get("holds")
    if margin is None:
        return math.inf if holds else -math.inf
    return abs(margin.value) if holds else -abs(margin.value)
