"""The answer of a study: a sentence in its file whose names in braces are filled with measured numbers.

    {accuracy forget ssd@setting=full-class}                        1.9 %
    {accuracy forget ssd-pruned@setting=full-class on onnx-int8}    on a hardware target
    {accuracy retain original − accuracy retain ssd}                1.2 points (a minus between spaces)
    {intervention_seconds retrained / intervention_seconds ssd}     330 (a slash between spaces)
    {claim S3} · {seeds S3}                                         fails · 2 of 3

A name is `metric [split] variant[@axis=value,…] [on target]`, axes of the metric's own among them; the number is its
mean over the seeds. Nothing is
evaluated: a brace holds one name, a difference, a ratio or a claim, or the answer is withheld with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from neurosieve.report.numbers import data, duration, shown, significant, unit_word
from neurosieve.report.rows import NATIVE, parse_point, place_of
from neurosieve.report.state import StudyState

_BRACE = re.compile(r"\{([^{}]*)\}")
_MINUS = re.compile(r"\s[−-]\s")
_OVER = re.compile(r"\s/\s")


class Unfilled(Exception):
    """A name of the template has no measured number."""


@dataclass(frozen=True)
class Answer:
    """The filled sentence, or why there is none."""

    text: Markup | None = None
    withheld: str = ""


def answer_of(study: StudyState) -> Answer:
    """The study's answer, where it is complete, its numbers are evidence and its verdicts are those written for."""
    if not study.answer or study.state != "complete" or study.scale == "smoke":
        return Answer()
    changed = [
        f"{claim} {verdict} (now: {_verdicts(study).get(claim, 'no such claim')})"
        for claim, verdict in study.answer_for.items()
        if _verdicts(study).get(claim) != verdict
    ]
    if changed:
        return Answer(withheld=f"it was written for other verdicts: {', '.join(changed)}")
    try:
        return Answer(_filled(study, study.answer))
    except Unfilled as reason:
        return Answer(withheld=str(reason))


def _filled(study: StudyState, template: str) -> Markup:
    pieces: list[Markup] = []
    end = 0
    for found in _BRACE.finditer(template):
        pieces += [escape(template[end : found.start()]), Markup("<b>{}</b>").format(_value(study, found[1].strip()))]
        end = found.end()
    rest = template[end:]
    if "{" in rest or "}" in rest:
        raise Unfilled("it has an unmatched brace")
    return Markup("").join([*pieces, escape(rest)])


def _value(study: StudyState, name: str) -> Markup | str:
    kind, _, claim = name.partition(" ")
    if kind == "claim" and " " not in claim:
        return _known(_verdicts(study), claim)
    if kind == "seeds" and " " not in claim:
        return _passing(study, claim)
    if len(sides := _MINUS.split(name)) == 2:
        (left, unit), (right, other) = _measured(study, sides[0]), _measured(study, sides[1])
        return _difference(name, left - right, unit, unit == other)
    if len(sides := _OVER.split(name)) == 2:
        (left, _), (right, _) = _measured(study, sides[0]), _measured(study, sides[1])
        if right == 0:
            raise Unfilled(f"'{name}' divides by zero")
        return data(left / right, significant(left / right, 2))
    return _with_unit(*_measured(study, name))


def _with_unit(value: float, unit: str) -> Markup:
    if unit == "share":
        return Markup("{}\u00a0%").format(data(value, shown(100 * value, 1)))
    if unit == "s":
        return data(value, duration(value).replace(" ", "\u00a0"))
    word = unit_word(unit)
    return Markup("{}{}").format(data(value, significant(value)), f"\u00a0{word}" if word else "")


def _difference(name: str, value: float, unit: str, same: bool) -> Markup:
    if not same:
        raise Unfilled(f"'{name}' subtracts different units")
    if unit == "share":
        return Markup("{}\u00a0points").format(data(value, shown(100 * value, 1)))
    return _with_unit(value, unit)


def _measured(study: StudyState, name: str) -> tuple[float, str]:
    """Mean over the seeds and unit of `metric [split] variant [on target]`."""
    plain, _, target = name.strip().partition(" on ")
    words = plain.split()
    if len(words) not in (2, 3):
        raise Unfilled(f"'{name}' is not `metric [split] variant [on target]`")
    asked, split = parse_point(words[-1]), words[1] if len(words) == 3 else None
    rows = [
        row
        for row in study.metrics
        if row.metric == words[0]
        and row.target == (target.strip() or NATIVE)
        and place_of(row.variant, row.at) == (asked.variant, dict(asked.axes))
        and split in (None, row.split)
        and row.values
    ]
    if len(rows) != 1:
        raise Unfilled(f"'{name}' is {'not measured' if not rows else 'several numbers; name its split or its axes'}")
    return rows[0].mean, rows[0].unit


def _verdicts(study: StudyState) -> dict[str, str]:
    return {str(record.get("claim")): str(record.get("verdict")) for record in study.claims}


def _known(verdicts: dict[str, str], claim: str) -> str:
    if claim not in verdicts:
        raise Unfilled(f"there is no claim '{claim}'")
    return verdicts[claim]


def _passing(study: StudyState, claim: str) -> str:
    """`2 of 3`: seeds on the asked side in the part that decides."""
    _known(_verdicts(study), claim)
    record = next(one for one in study.claims if str(one.get("claim")) == claim)
    deciding = record.get("deciding") or {}
    if deciding.get("passing") is None or not deciding.get("n"):
        raise Unfilled(f"claim {claim} counts no seeds")
    return f"{deciding['passing']} of {deciding['n']}"
