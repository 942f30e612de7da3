"""The words for what is missing: in the ledger, on top of a study page, in the headline."""

from __future__ import annotations

from typing import Any

from neurosieve.report.numbers import count, joined
from neurosieve.report.state import StudyState

WORDS = {"changed": "changed since its last run"}
"""State words that differ from their name."""


def state_word(study: StudyState) -> str:
    """The state as the ledger names it."""
    return WORDS.get(study.state, study.state)


def state_line(study: StudyState) -> Any:
    """What stands behind the state word in the ledger."""
    if study.state == "failed" and study.failures:
        first = study.failures[0]
        more = f" (and {len(study.failures) - 1} more)" if len(study.failures) > 1 else ""
        return f"at {first.stage}: {first.error}{more}"
    if study.state_line:
        return study.state_line
    if study.state == "changed":
        return joined((count(study.to_compute), f" node{'' if study.to_compute == 1 else 's'} to compute"), "")
    if study.state == "incomplete":
        return joined((count(study.nodes_done), " of ", count(study.nodes_total), " nodes exist"), "")
    return ""


def remedy(study: StudyState) -> tuple[str, str]:
    """What to do about it: words, and the command."""
    command = f"snakemake {study.slug}"
    match study.state:
        case "changed":
            last = f" The last complete state was {study.last_complete}." if study.last_complete else ""
            return f"The configuration or the code behind it has changed.{last} Bring it up to date with:", command
        case "incomplete":
            return (
                "The run stopped before the other nodes. Nothing is shown from an earlier state. Finish with:",
                command,
            )
        case "skipped":
            return "Put the data there and run:", command
        case "failed":
            return "Rerun with:", command
        case "not run":
            return "Run it with:", command
    return "", ""


def notices(study: StudyState) -> list[dict[str, Any]]:
    """Lines on top of a study page: what is missing, and what to do."""
    listed: list[dict[str, Any]] = []
    if study.state not in ("complete", "failed"):
        words, command = remedy(study)
        listed.append({"word": state_word(study), "line": state_line(study), "help": words, "command": command})
    if study.scale == "smoke":
        line = "mechanics only, no verdicts: smoke numbers are never evidence"
        listed.append({"word": "smoke scale", "line": line, "help": "", "command": ""})
    return listed
