"""Verdict records of `neurosieve.evaluation.claims` as the page shows them: one block per claim, one row per part."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from neurosieve.report.numbers import data, decimals, factor, listed, scientific, shown, significant, unit_word
from neurosieve.report.state import History, StudyState
from neurosieve.report.strips import Margin, Strip, margin_of, strip_of, weakness

WORDS = {"holds": "holds", "fails": "fails", "inconclusive": "inconclusive", "undecided": "not decided"}
_SIGNS = {"above": ">", "at_least": "≥", "below": "<", "at_most": "≤"}
_SCALES = {"ratio": "of the ratio", "odds": "of the odds ratio"}
Units = Mapping[str, tuple[str, str]]
"""Unit and better side by metric."""
SMOKE = "smoke scale: mechanics only, no verdicts"


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
    margin: Margin | None
    weakness: float


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
    history: History = field(default_factory=History)
    pilot: str = ""
    setting: str = ""
    """Data, scale, seeds and rows on which it was decided."""
    q: Markup | None = None

    @property
    def symbol(self) -> str:
        return self.verdict + ("-f" if self.fragile else "")


def claim_views(study: StudyState, q: Mapping[str, float] | None = None) -> list[ClaimView]:
    """Every claim of a study. At smoke scale none is decided and no number is shown as evidence."""
    return [_claim_view(study, record, (q or {}).get(f"{study.slug}/{record.get('claim')}")) for record in study.claims]


def _claim_view(study: StudyState, record: Mapping[str, Any], q: float | None) -> ClaimView:
    smoke = study.scale == "smoke"
    word = str(record.get("verdict") or "")
    verdict = word if word in ("holds", "fails", "inconclusive") and not smoke else "undecided"
    units = {row.metric: (row.unit, row.direction) for row in study.metrics}
    parts = () if smoke else tuple(_part_view(part, units) for part in record.get("parts") or ())
    named = None if smoke or not record.get("deciding") else _part_view(record["deciding"], units)
    name = str(record.get("claim", ""))
    return ClaimView(
        id=name,
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
        deciding=named or min(parts, key=lambda part: part.weakness, default=None),
        history=study.histories.get(name, History()),
        pilot=study.pilots.get(name, study.pilots.get("*", "")),
        setting=_setting(study, record),
        q=None if q is None or smoke else data(q, significant(q, 2)),
    )


def _setting(study: StudyState, record: Mapping[str, Any]) -> str:
    """`rendered glyphs (glyph100), default scale, seeds 11, 12, 13`."""
    origins = dict.fromkeys(f"{one.origin} data ({one.name})" for one in study.datasets)
    seeds = listed(record.get("seeds") or ())
    return "; ".join(part for part in (*origins, f"{study.scale} scale", f"seeds {seeds}" if seeds else "") if part)


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


def _unit(label: str, units: Units) -> tuple[str, str]:
    """Unit of a part, that of the metric its label names (a ratio has none), and which way is good of a plain one."""
    words = re.findall(r"[\w.]+", label)
    unit, direction = next((units[word] for word in words if word in units), ("", ""))
    if " / " in label:
        return "", ""
    if any(mark in label for mark in "|−+"):
        return unit, ""
    return unit, "→ retrained" if "forget" in words else {"higher": "↑", "lower": "↓"}.get(direction, "")


def _part_view(part: Mapping[str, Any], units: Units) -> PartView:
    unit, arrow = _unit(str(part.get("label", "")), units)
    left, right, holds = part.get("left"), part.get("right"), part.get("holds")
    cell = f" [{part['cell']}]" if part.get("cell") else ""
    numbers = [value for value in (left, right, part.get("low"), part.get("high")) if value is not None]
    places = decimals(numbers, unit)
    return PartView(
        label=_words(part.get("label")) + cell,
        unit=" ".join(word for word in (unit_word(unit), arrow) if word),
        ours="not computed" if left is None else _value(left, unit, places),
        interval=_interval(part, unit, places),
        needs=_needs(part, unit, places),
        verdict="holds" if holds else "fails" if holds is False else "undecided" if left is None else "inconclusive",
        strip=strip_of(part),
        note="; ".join(text for text in (_note(part), _paper(part, unit, places)) if text),
        tie=str(part.get("path") or "").startswith("inconclusive_if"),
        margin=margin_of(part),
        weakness=weakness(part),
    )


def _paper(part: Mapping[str, Any], unit: str, places: int) -> str:
    """The paper's own figure for what is measured."""
    return "" if part.get("paper") is None else f"paper: {shown(float(part['paper']) * factor(unit), places)}"


def _note(part: Mapping[str, Any]) -> str:
    role = {"requires": "control", "inconclusive_if": "inconclusive if this is met"}
    notes = [role.get(re.split(r"[.\[]", str(part.get("path") or ""))[0], "")]
    notes += [f"chosen: {part['chosen']}" if part.get("chosen") else "", str(part.get("reason") or "")]
    notes += [f"p = {scientific(part['p'], 2)}" if part.get("p") is not None else ""]
    notes += [f"pooled over {part['pooled']}" if part.get("pooled") else ""]
    return "; ".join(note for note in notes if note)


def _sentence(reason: Any) -> str:
    """The reason as a sentence: words for metrics, a true minus, a capital and a full stop."""
    text = re.sub(r"(?<![\w.])-(?=\d)", "−", _words(reason)).strip()
    # a name such as ssd-zero or setting=random keeps its spelling
    first = text[:1] if re.match(r"[^\s:]*[-=]", text) else text[:1].upper()
    return first + text[1:] + ("" if text.endswith((".", "?", "!")) or not text else ".")


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
        # against a constant the interval of ours itself is shown, else that of ours − needed
        constant = _constant(part)
        ends = tuple(_value(round(end + constant, 12) + 0.0, unit, places) for end in (low, high))
        if constant == 0 and not _is_number(str(part.get("against", ""))):
            return Markup("Δ [{}, {}]").format(*ends)
    else:
        ends = (data(low, significant(low, 2)), data(high, significant(high, 2)))
    word = _SCALES.get(scale, "")
    return Markup("[{}, {}]{}").format(*ends, Markup("<small>{}</small>").format(word) if word else "")


def _constant(part: Mapping[str, Any]) -> float:
    """The number that a part is held against; 0 where that was measured too."""
    right = part.get("right")
    return float(right) if right is not None and _is_number(str(part.get("against", ""))) else 0.0


def _is_number(text: str) -> bool:
    try:
        float(text.replace("−", "-"))
    except ValueError:
        return False
    return True


def _needs(part: Mapping[str, Any], unit: str, places: int) -> Markup | str:
    """`≤ 10.0`, `62.0 ± 3.0`, `40.0 to 60.0`; what the number is stands under it where it was measured."""
    right, margin, bounds = part.get("right"), part.get("margin"), part.get("bounds") or ()
    against = _words(part.get("against"))
    relation = str(part.get("is", ""))
    if relation == "between" and len(bounds) == 2:
        number = Markup("{} to {}").format(*(_value(bound, unit, places) for bound in bounds))
    elif right is None:
        return Markup("<small>{} {}</small>").format(_SIGNS.get(relation, relation), against)
    elif relation == "within" and margin is not None:
        number = Markup("{} ± {}").format(_value(right, unit, places), _value(margin, unit, places))
        against = against.partition(" of ")[2]
    else:
        number = Markup("{} {}").format(_SIGNS.get(relation, relation), _value(right, unit, places))
    words = re.search(r"[^\W\d]{3,}", against) is not None
    return Markup("{} <small>{}</small>").format(number, against) if words else number


def _reported(one: Any) -> tuple[str, Markup]:
    """A quantity that the claim reports without deciding on it."""
    label, value = one.get("label"), one.get("value")
    text = Markup("not computed") if value is None else data(value, significant(value))
    return _words(label), text
