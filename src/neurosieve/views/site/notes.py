"""`notes:` and `figures:` of a study's YAML, as the page uses them.

Keys of `notes` that the page knows: `field` (heading in the ledger), `stands-in-for`, `differs` (from the paper),
`answer-for` (`S1 holds, S3 fails`: the verdicts that `answer` was written for), `pilot` (every criterion was written
after a pilot: which), `pilot-S1` (that claim's), `no-export` (why nothing goes to hardware) and `method`, `original`,
`retrained`, `baseline` (variants with that role whose names do not say it, `cell-view, chimera`). An entry of `figures`
is `{name: map, title: a finding, when: {S1: holds}}`: the title is shown only while those claims have those verdicts.
With a `metric` it is a figure of the study's own (`report.state.FigureSpec`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurosieve.errors import UserError
from neurosieve.report import state as page

ROLES: tuple[page.Role, ...] = ("original", "retrained", "method", "baseline")
VERDICTS = ("not decided", "inconclusive", "holds", "fails")


def read(notes: Mapping[str, str]) -> dict[str, Any]:
    """Fields of the view model that come from `notes`. Raises UserError for a malformed `answer-for`."""
    pilots = {name.removeprefix("pilot-"): text for name, text in notes.items() if name.startswith("pilot-")}
    if "pilot" in notes:
        pilots["*"] = notes["pilot"]
    return {
        "family": notes.get("field", ""),
        "stands_in_for": notes.get("stands-in-for", ""),
        "differs": notes.get("differs", ""),
        "not_exported": notes.get("no-export", ""),
        "answer_for": _verdicts(notes.get("answer-for", "")),
        "pilots": pilots,
        "roles": {name: role for role in ROLES for name in _listed(notes.get(role, ""))},
    }


def _listed(text: str) -> list[str]:
    return [name for piece in text.split(",") if (name := piece.strip())]


def _verdicts(text: str) -> dict[str, str]:
    """`S1 holds, S4 not decided` -> {"S1": "holds", "S4": "not decided"}."""
    found = {}
    for piece in filter(None, (piece.strip() for piece in text.replace(";", ",").split(","))):
        claim, _, verdict = piece.partition(" ")
        if verdict not in VERDICTS:
            raise UserError(f"notes.answer-for: '{piece}' is not a claim and one of {', '.join(VERDICTS)}")
        found[claim] = verdict
    return found


def titles(figures: Sequence[Mapping[str, Any]]) -> tuple[page.FigureTitle, ...]:
    """Findings as figure titles, each with the verdicts it needs."""
    return tuple(
        page.FigureTitle(
            name=str(one["name"]), title=str(one["title"]), when={str(k): str(v) for k, v in one["when"].items()}
        )
        for one in figures
        if one.get("title") and one.get("when")
    )


def declared(figures: Sequence[Mapping[str, Any]]) -> tuple[page.FigureSpec, ...]:
    """Figures of the study's own."""
    return tuple(page.FigureSpec.model_validate(dict(one)) for one in figures if "metric" in one)
