"""Verdict records of `neurosieve.evaluation.claims` as the page shows them: one block per claim, one row per part."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from neurosieve.report.numbers import data, decimals, factor, scientific, shown, significant, unit_word
from neurosieve.report.state import StudyState

WORDS = {"holds": "holds", "fails": "fails", "inconclusive": "inconclusive", "undecided": "not decided"}
_SIGNS = {"above": ">", "at_least": "≥", "below": "<", "at_most": "≤"}
_SCALES = {"difference": "", "ratio": " ratio", "odds": " odds ratio"}
SMOKE = "smoke scale: mechanics only, no verdicts"


@dataclass(frozen=True)
class Strip:
    """A part's picture, in percent of its width, on the axis of left − right (or left / right)."""

    label: str
    tinted: tuple[tuple[float, float], ...]
    rules: tuple[float, ...]
    bar: tuple[float, float] | None
    seeds: tuple[float, ...]
    dot: float


@dataclass(frozen=True)
class PartView:
    """One compare of a criterion, as measured."""

    label: str
    unit: str
    ours: Markup | str
    interval: Markup | str
    needs: Markup | str
    verdict: str
    strip: Strip | None
    note: str
    """What was chosen, p, how many seeds, or why there is no value."""
    tie: bool
    """Whether meeting it makes the claim inconclusive (`inconclusive_if`), so that it neither holds nor fails."""
    margin: float
    """Distance of the difference from the criterion in half-widths of its interval; negative on the wrong side."""


@dataclass(frozen=True)
class ClaimView:
    """One claim."""

    id: str
    says: str
    verdict: str
    fragile: bool
    reason: str
    parts: tuple[PartView, ...]
    paper: str = ""
    criterion: str = ""
    repaired: str = ""
    hash: str = ""
    exact: bool = False
    reported: tuple[tuple[str, Markup], ...] = ()
    deciding: PartView | None = None

    @property
    def symbol(self) -> str:
        return self.verdict + ("-f" if self.fragile else "")


def claim_views(study: StudyState) -> list[ClaimView]:
    """Every claim of a study. At smoke scale none is decided and no number is shown as evidence."""
    return [_claim_view(study, record) for record in study.claims]


def _claim_view(study: StudyState, record: Mapping[str, Any]) -> ClaimView:
    smoke = study.scale == "smoke"
    word = str(record.get("verdict") or "")
    verdict = word if word in ("holds", "fails", "inconclusive") and not smoke else "undecided"
    units = {row.metric: row.unit for row in study.metrics}
    parts = () if smoke else tuple(_part_view(part, units) for part in record.get("parts") or ())
    named = None if smoke or not record.get("deciding") else _part_view(record["deciding"], units)
    return ClaimView(
        id=str(record.get("claim", "")),
        says=str(record.get("says", "")),
        verdict=verdict,
        fragile=verdict in ("holds", "fails") and record.get("firm") is False,
        reason=SMOKE if smoke else _sentence(record.get("reason")),
        parts=parts,
        paper=str(record.get("paper") or "").rstrip("."),
        criterion=str(record.get("criterion") or ""),
        repaired=str(record.get("repaired") or "").rstrip("."),
        hash=str(record.get("hash") or ""),
        exact=bool(record.get("exact")),
        reported=() if smoke else tuple(_reported(one) for one in record.get("report") or ()),
        deciding=named or min(parts, key=lambda part: part.margin, default=None),
    )


def tally(claims: Sequence[ClaimView]) -> list[dict[str, Any]]:
    """Verdicts that occur, in order, with the claims' ids, `S3 (fragile)`."""
    found = []
    for verdict in WORDS:
        ids = [claim.id + (" (fragile)" if claim.fragile else "") for claim in claims if claim.verdict == verdict]
        if ids:
            found.append({"verdict": verdict, "ids": ", ".join(ids)})
    return found


def said(claims: Sequence[ClaimView]) -> str:
    """`3 hold, 1 fails` for readers who do not see the marks."""
    counts = Counter(claim.verdict for claim in claims)
    plural = {"holds": "hold", "fails": "fail", "inconclusive": "inconclusive", "undecided": "not decided"}
    return ", ".join(
        f"{counts[verdict]} {word if counts[verdict] == 1 else plural[verdict]}"
        for verdict, word in WORDS.items()
        if counts[verdict]
    )


def _unit(label: str, units: Mapping[str, str]) -> str:
    """Unit of a part: that of the metric its label names; a ratio has none."""
    if " / " in label:
        return ""
    return next((units[word] for word in re.findall(r"[\w.]+", label) if word in units), "")


def _part_view(part: Mapping[str, Any], units: Mapping[str, str]) -> PartView:
    unit = _unit(str(part.get("label", "")), units)
    left, right, holds = part.get("left"), part.get("right"), part.get("holds")
    cell = f" [{part['cell']}]" if part.get("cell") else ""
    numbers = [value for value in (left, right, part.get("low"), part.get("high")) if value is not None]
    places = decimals(numbers, unit)
    return PartView(
        label=_words(part.get("label")) + cell,
        unit=unit_word(unit),
        ours="not computed" if left is None else _value(left, unit, places),
        interval=_interval(part, unit, places),
        needs=_needs(part, unit, places),
        verdict="holds" if holds else "fails" if holds is False else "undecided" if left is None else "inconclusive",
        strip=_strip(part),
        note=_note(part),
        tie=str(part.get("path") or "").startswith("inconclusive_if"),
        margin=_margin(part),
    )


def _note(part: Mapping[str, Any]) -> str:
    role = {"requires": "control", "inconclusive_if": "inconclusive if this is met"}
    notes = [role.get(re.split(r"[.\[]", str(part.get("path") or ""))[0], "")]
    notes += [f"chosen: {part['chosen']}" if part.get("chosen") else "", str(part.get("reason") or "")]
    notes += [f"p = {significant(part['p'], 2)}" if part.get("p") is not None else ""]
    return "; ".join(note for note in notes if note)


def _sentence(reason: Any) -> str:
    """The reason as a sentence: words for metrics, a true minus, a capital and a full stop."""
    text = re.sub(r"(?<![\w.])-(?=\d)", "−", _words(reason)).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) or not text else ".")


def _words(label: Any) -> str:
    """A label as the claims write it, in words: no underscores, no bracket inside bars."""
    return str(label or "").replace("_", " ").replace("|[", "|").replace("]|", "|")


def _value(value: float, unit: str, places: int) -> Markup:
    text = shown(value * factor(unit), places)
    if value != 0 and not re.search("[1-9]", text):
        text = scientific(value * factor(unit))
    return data(value, text)


def _interval(part: Mapping[str, Any], unit: str, places: int) -> Markup | str:
    low, high = part.get("low"), part.get("high")
    if low is None or high is None:
        return ""
    scale = str(part.get("scale", "difference"))
    if scale == "difference":
        ends = (_value(low, unit, places), _value(high, unit, places))
    else:
        ends = (data(low, significant(low, 2)), data(high, significant(high, 2)))
    return Markup("[{}, {}]{}").format(*ends, _SCALES.get(scale, ""))


def _needs(part: Mapping[str, Any], unit: str, places: int) -> Markup | str:
    """`≤ 10.0`, `62.0 ± 3.0`, `40.0 to 60.0`; what the number is stands under it where it was measured."""
    right, margin, bounds = part.get("right"), part.get("margin"), part.get("bounds") or ()
    against = _words(part.get("against"))
    relation = str(part.get("is", ""))
    if relation == "between" and len(bounds) == 2:
        number = Markup("{} to {}").format(*(_value(bound, unit, places) for bound in bounds))
    elif right is None:
        return f"{_SIGNS.get(relation, relation)} {against}"
    elif relation == "within" and margin is not None:
        number = Markup("{} ± {}").format(_value(right, unit, places), _value(margin, unit, places))
        against = against.partition(" of ")[2]
    else:
        number = Markup("{} {}").format(_SIGNS.get(relation, relation), _value(right, unit, places))
    words = re.search(r"[^\W\d]{3,}", against) is not None
    return Markup("{} <small>{}</small>").format(number, against) if words else number


def _position(part: Mapping[str, Any]) -> float | None:
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


def _strip(part: Mapping[str, Any]) -> Strip | None:
    position = _position(part)
    holding = None if position is None else _holding(part, position)
    if position is None or holding is None:
        return None
    low, high = part.get("low"), part.get("high")
    seeds = _seed_positions(part)
    rules = [end for end in holding if math.isfinite(end)]
    near = [position, *rules, *seeds]
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
    return Strip(
        label=label,
        tinted=((x(holding[0]), round(x(holding[1]) - x(holding[0]), 2)),),
        rules=tuple(x(rule) for rule in rules),
        bar=(x(ends[0]), x(ends[1])) if ends else None,
        seeds=tuple(x(seed) for seed in seeds),
        dot=x(position),
    )


def _margin(part: Mapping[str, Any]) -> float:
    """Negative where the part fails; a part that was not computed is the weakest."""
    position = _position(part)
    holding = None if position is None else _holding(part, position)
    if position is None or holding is None:
        return math.inf if part.get("holds") else -math.inf
    inside = min(abs(position - end) for end in holding if math.isfinite(end))
    low, high = part.get("low"), part.get("high")
    half = (high - low) / 2 if low is not None and high is not None and high > low else 1.0
    return inside / half if part.get("holds") else -inside / half


def _reported(one: Any) -> tuple[str, Markup]:
    """A quantity that the claim reports without deciding on it."""
    label, value = one.get("label"), one.get("value")
    text = Markup("not computed") if value is None else data(value, significant(value))
    return _words(label), text
