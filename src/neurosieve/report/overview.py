"""The index: headline, unit chart, what ran, the ledger, certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from neurosieve.report.claims import WORDS, ClaimView, said
from neurosieve.report.missing import remedy, state_line, state_word
from neurosieve.report.numbers import count, data, plural, seconds, shown
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
ORIGINS = ("real", "rendered", "simulated")
NO_CERTIFICATE = (
    "No certificate has been issued. There is one for each request to forget rows of a model of your own, refusals "
    "included: describe the model as a study, name the rows and, under certify, what is delivered, and run it."
)


def index(site: Site, claims: Claims) -> dict[str, Any]:
    """Everything the index template shows, but the composition."""
    ran = [study for study in site.studies if study.state not in ("not run", "skipped")]
    smoke = bool(ran) and all(study.scale == "smoke" for study in ran)
    listed = [claim for study in ran for claim in claims[study.slug]]
    everything = [claim for study in site.studies for claim in claims[study.slug]]
    states = list(dict.fromkeys(study.state for study in site.studies))
    return {
        "headline": _headline(site, ran, listed, smoke),
        "units": [] if smoke else _units(listed),
        "luck": None if smoke or not site.summary.decided else _luck(site),
        "rows": -(-len(listed) // COLUMNS),
        "few": len(listed) <= COLUMNS,
        "ran": _ran(site) if ran else None,
        "fields": _fields(site, claims),
        "filters": _filters(site, everything, states),
        "single": len(site.studies) == 1,
        "certificates": site.certificates,
        "no_certificate": NO_CERTIFICATE,
    }


def _headline(site: Site, ran: Sequence[StudyState], claims: Sequence[ClaimView], smoke: bool) -> dict[str, Any]:
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


def _luck(site: Site) -> Markup:
    """`17 of 24 hold, 6 of them firmly; on the threshold 8 would hold by luck.`"""
    found = site.summary
    text = Markup("{} of {} decided claims hold, {} of them firmly; on the threshold {} would hold by luck.").format(
        count(found.holds),
        count(found.decided),
        count(found.holds_firmly),
        data(found.luck, shown(found.luck, 0 if found.luck >= 10 else 1)),
    )
    if not found.exact:
        return text
    return text + Markup(" {} of them hold by construction and are counted apart.").format(count(found.exact))


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
            "what": _data_words(site) if total.stage == "prepare" else _LINE[total.stage][1],
            "nodes": count(total.nodes) if total.stage in known else "",
            "cpu": seconds(total.cpu_seconds) if total.stage in known else "",
            "share": f"{100 * total.cpu_seconds / longest:.1f}",
        }
        for total in totals
    ]
    nodes = sum(total.nodes for total in totals)
    return {"stages": stages, "nodes": plural(nodes, "node"), "facts": _facts(site, nodes, totals)}


def _data_words(site: Site) -> str:
    """`41 real, 17 rendered, 9 simulated`: studies by the origin of their data."""
    used = {origin: sum(origin in origins(study) for study in site.studies) for origin in ORIGINS}
    return ", ".join(f"{number} {origin}" for origin, number in used.items() if number) or _LINE["prepare"][1]


def origins(study: StudyState) -> list[str]:
    """Origins of a study's data, each once."""
    return list(dict.fromkeys(dataset.origin for dataset in study.datasets))


def _facts(site: Site, nodes: int, totals: Sequence[StageTotal]) -> list[dict[str, Any]]:
    complete = sum(study.state == "complete" for study in site.studies)
    links = [
        (f"state={state.replace(' ', '+')}", f"{number} {state}")
        for state in ("failed", "incomplete", "changed", "skipped", "not run")
        if (number := sum(study.state == state for study in site.studies))
    ]
    listed: list[dict[str, Any]] = [
        {"name": "Studies", "value": f"{complete} of {len(site.studies)} complete", "links": links},
    ]
    if site.run.wall_seconds is not None:
        day = f"the last run, {site.run.date}" if site.run.date else "the last run"
        listed.append({"name": "Wall time", "value": seconds(site.run.wall_seconds), "small": day})
    total = sum(total.cpu_seconds for total in totals)
    listed.append({"name": "CPU time", "value": seconds(total), "small": "of all nodes shown"})
    if site.run.from_store is not None:
        made = max(0, nodes - site.run.from_store)
        small = f"{shown(made, 0)} computed in the last run"
        listed.append({"name": "From the store", "value": plural(site.run.from_store, "node"), "small": small})
    return [{"links": [], "small": ""} | fact for fact in listed]


def _filters(site: Site, claims: Sequence[ClaimView], states: Sequence[str]) -> dict[str, Any] | None:
    """What can be filtered by; nothing where there are no claims to filter."""
    if len(claims) < 2:
        return None
    verdicts = [(v, _GROUPS[v], sum(claim.verdict == v for claim in claims)) for v in WORDS]
    fields = dict.fromkeys(study.family for study in site.studies if study.family)
    used = [origin for origin in ORIGINS if any(origin in origins(study) for study in site.studies)]
    return {
        "verdicts": [one for one in verdicts if one[2]],
        "fragile": sum(claim.fragile for claim in claims),
        "fields": list(fields) if len(fields) > 1 else [],
        "origins": used if len(used) > 1 else [],
        "states": list(states) if len(states) > 1 else [],
        "claims": len(claims),
        "studies": sum(bool(study.claims) for study in site.studies),
    }


def _fields(site: Site, claims: Claims) -> list[dict[str, Any]]:
    """Ledger rows by field, in the order of the site; studies without a field come under no heading."""
    most = max((study.cpu_seconds for study in site.studies), default=0.0) or 1.0
    fields: dict[str, list[StudyState]] = {}
    for study in site.studies:
        fields.setdefault(study.family, []).append(study)
    first: set[str] = set()  # the first row of each state carries the name that its count links to
    found = []
    for name, studies in fields.items():
        decided = [claim for study in studies for claim in claims[study.slug]]
        holds = sum(claim.verdict == "holds" for claim in decided)
        line = plural(len(studies), "study", "studies")
        line += f" · {holds} of {plural(len(decided), 'claim')} hold" if decided else ""
        rows = []
        for study in studies:
            anchor = f"state={study.state.replace(' ', '+')}" if study.state not in {*first, "complete"} else ""
            first.add(study.state)
            rows.append(_row(study, claims[study.slug], most) | {"anchor": anchor})
        found.append({"name": name, "line": line, "studies": rows})
    return found


def _row(study: StudyState, claims: Sequence[ClaimView], most: float) -> dict[str, Any]:
    words, command = remedy(study)
    return {
        "slug": study.slug,
        "title": study.paper.title if study.paper else study.question,
        "question": study.question,
        "state": study.state,
        "word": state_word(study),
        "line": state_line(study),
        "help": words,
        "command": command,
        "claims": claims,
        "said": said(claims),
        "holds": sum(claim.verdict == "holds" for claim in claims),
        "origins": origins(study),
        "family": study.family,
        "text": f"{study.slug} {study.paper.title if study.paper else study.question}".lower(),
        "cpu": seconds(study.cpu_seconds) if study.cpu_seconds else "",
        "load": f"{100 * study.cpu_seconds / most:.1f}",
        "smoke": study.scale == "smoke",
        "failures": study.failures,
    }
