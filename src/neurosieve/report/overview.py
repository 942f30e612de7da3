"""The index: headline, unit chart, what ran, the ledger; and the words for what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neurosieve.report.claims import WORDS, ClaimView, said
from neurosieve.report.numbers import count, joined, plural, seconds
from neurosieve.report.state import STAGES, Site, StageTotal, StudyState

Claims = Mapping[str, Sequence[ClaimView]]
COLUMNS = 58  # of the unit chart
_LINE = {
    "prepare": ("data", "real, rendered or simulated"),
    "train": ("network", "networks and memories learn"),
    "intervene": ("sieve", "unlearn, prune, sparsify, adapt"),
    "export": ("device", "files for hardware targets"),
    "evaluate": ("evidence", "metrics, attacks, probes, parity"),
    "verdict": ("", "criteria meet measurements"),
    "report": ("", "this page"),
}
_GROUPS = {"holds": "hold", "fails": "fail", "inconclusive": "inconclusive", "undecided": "not decided"}


def index(site: Site, claims: Claims) -> dict[str, Any]:
    """Everything the index template shows."""
    ran = [study for study in site.studies if study.state not in ("not run", "skipped")]
    smoke = bool(ran) and all(study.scale == "smoke" for study in ran)
    listed = [claim for study in ran for claim in claims[study.slug]]
    units = [] if smoke else _units(listed)
    return {
        "headline": _headline(site, ran, listed, smoke),
        "units": units,
        "rows": -(-len(listed) // COLUMNS),
        "few": len(listed) <= COLUMNS,
        "ran": _ran(site) if ran else None,
        "fields": _fields(site, claims),
    }


def _headline(site: Site, ran: Sequence[StudyState], claims: Sequence[ClaimView], smoke: bool) -> dict[str, str]:
    if not ran:
        first = site.studies[0].slug if site.studies else ""
        lede = "Start with" if first else "There is no study in config/studies yet."
        return {"title": "Nothing has run yet.", "lede": lede, "command": f"snakemake {first}" if first else ""}
    holds = sum(claim.verdict == "holds" for claim in claims)
    published = all(study.paper for study in ran)
    if len(ran) == 1:
        title = f"{ran[0].slug} ran as a study."
    else:
        title = f"{len(ran)} {'published systems' if published else 'systems'} ran as studies."
    if smoke:
        lede = "This run shows that every step works at the smallest size; its numbers are evidence of nothing else."
        return {"title": f"{title} Smoke scale: mechanics only, no verdicts.", "lede": lede, "command": ""}
    if claims:
        owner = "its" if len(ran) == 1 else "their"
        title += f" Of {owner} {plural(len(claims), 'testable claim')}, {holds} {'holds' if holds == 1 else 'hold'}."
    lede = (
        "Each claim was written down as a test before its run, and the run decided. "
        "Where a paper’s data cannot be had, a stand-in is used and named."
    )
    return {"title": title, "lede": lede, "command": ""}


def _units(claims: Sequence[ClaimView]) -> list[dict[str, Any]]:
    """One group per verdict that occurs; fragile marks come last."""
    groups = []
    for verdict in WORDS:
        found = sorted((claim for claim in claims if claim.verdict == verdict), key=lambda claim: claim.fragile)
        if found:
            word = WORDS[verdict] if len(found) == 1 else _GROUPS[verdict]
            cells = [claim.symbol for claim in found]
            number = sum(claim.fragile for claim in found)
            fragile = "" if not number else "fragile" if len(found) == 1 else f"{number} of them fragile"
            groups.append({"verdict": verdict, "count": len(found), "word": word, "fragile": fragile, "cells": cells})
    return groups


def _ran(site: Site) -> dict[str, Any]:
    known = {total.stage: total for total in site.run.stages}
    totals = [known.get(stage, StageTotal(stage=stage)) for stage in STAGES]
    longest = max((total.cpu_seconds for total in totals), default=0.0) or 1.0
    stages = [
        {
            "stage": total.stage,
            "word": _LINE[total.stage][0],
            "what": _LINE[total.stage][1],
            "nodes": count(total.nodes) if total.stage in known else "–",
            "cpu": seconds(total.cpu_seconds) if total.stage in known else "–",
            "share": f"{100 * total.cpu_seconds / longest:.1f}",
        }
        for total in totals
    ]
    nodes = sum(total.nodes for total in totals)
    return {"stages": stages, "nodes": plural(nodes, "node"), "facts": _facts(site, nodes, totals)}


def _facts(site: Site, nodes: int, totals: Sequence[StageTotal]) -> list[dict[str, Any]]:
    complete = sum(study.state == "complete" for study in site.studies)
    links = [
        (next(study.slug for study in site.studies if study.state == state), f"{number} {state}")
        for state in ("failed", "incomplete", "changed", "skipped", "not run")
        if (number := sum(study.state == state for study in site.studies))
    ]
    listed: list[dict[str, Any]] = [
        {"name": "Studies", "value": f"{complete} of {len(site.studies)} complete", "links": links},
    ]
    if site.run.wall_seconds is not None:
        listed.append({"name": "Wall time", "value": seconds(site.run.wall_seconds)})
    listed.append({"name": "CPU time", "value": seconds(sum(total.cpu_seconds for total in totals))})
    if site.run.from_store is not None:
        small = f"{max(0, nodes - site.run.from_store)} computed in this run"
        listed.append({"name": "From the store", "value": plural(site.run.from_store, "node"), "small": small})
    return [{"links": [], "small": ""} | fact for fact in listed]


def _fields(site: Site, claims: Claims) -> list[dict[str, Any]]:
    """Ledger rows by field, in the order of the site; studies without a field come under no heading."""
    most = max((study.cpu_seconds for study in site.studies), default=0.0) or 1.0
    fields: dict[str, list[StudyState]] = {}
    for study in site.studies:
        fields.setdefault(study.family, []).append(study)
    found = []
    for name, studies in fields.items():
        decided = [claim for study in studies for claim in claims[study.slug]]
        holds = sum(claim.verdict == "holds" for claim in decided)
        line = plural(len(studies), "study", "studies")
        line += f" · {holds} of {plural(len(decided), 'claim')} hold" if decided else ""
        found.append(
            {"name": name, "line": line, "studies": [_row(study, claims[study.slug], most) for study in studies]}
        )
    return found


def _row(study: StudyState, claims: Sequence[ClaimView], most: float) -> dict[str, Any]:
    return {
        "slug": study.slug,
        "title": study.paper.title if study.paper else study.question,
        "question": study.question,
        "state": study.state,
        "line": state_line(study),
        "claims": claims,
        "said": said(claims),
        "holds": sum(claim.verdict == "holds" for claim in claims),
        "origin": study.dataset.origin if study.dataset else "",
        "cpu": seconds(study.cpu_seconds) if study.cpu_seconds else "",
        "load": f"{100 * study.cpu_seconds / most:.1f}",
        "smoke": study.scale == "smoke",
        "failures": study.failures,
    }


def state_line(study: StudyState) -> Any:
    """What stands behind the state word in the ledger."""
    if study.state == "failed" and study.failures:
        first = study.failures[0]
        more = f" (and {len(study.failures) - 1} more)" if len(study.failures) > 1 else ""
        return f"at {first.stage}: {first.error}{more}"
    if study.state_line:
        return study.state_line
    if study.state == "incomplete":
        return joined((count(study.nodes_done), " of ", count(study.nodes_total), " nodes exist"), "")
    return ""


def notices(study: StudyState) -> list[tuple[str, Any]]:
    """Lines on top of a study page: what is missing, and what to do."""
    listed: list[tuple[str, Any]] = []
    if study.state not in ("complete", "failed"):
        listed.append((study.state, joined((state_line(study), f". Finish with: snakemake {study.slug}"), "")))
    if study.scale == "smoke":
        listed.append(("smoke scale", "mechanics only, no verdicts: smoke numbers are never evidence"))
    return listed
