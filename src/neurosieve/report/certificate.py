"""The page of a certificate: one file that opens from disk, prints on A4 and shows nothing that the JSON does not hold.

Drawn from `certificate.json` alone, so the same record gives the same bytes and `neurosieve verify` can compare them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from neurosieve.report.environment import environment
from neurosieve.report.numbers import count, joined
from neurosieve.report.questions import (
    GLYPHS,
    SILENT,
    asks,
    common_remarks,
    files_of,
    named,
    number,
    sentence,
    table_of,
    value_of,
)

STEPS = {
    "train": "trained",
    "unlearn": "unlearned",
    "prune": "pruned",
    "sparsify": "sparsified",
    "adapt": "adapted",
    "analysis": "analysed",
}
UNCHANGED = "the rows to forget are answered as before"
_CODE = (
    "certificate.py",
    "questions.py",
    "certificate.css",
    "neurosieve.css",
    "templates/certificate.html.j2",
    "numbers.py",
)


def draw(record: Mapping[str, Any], sha256: str) -> str:
    """The page of a record; `sha256` is the hash of its file."""
    said = record["statement"]
    view = {
        "drawn_by": drawing(),
        "css": Markup(_text("neurosieve.css") + _text("certificate.css")),
        "number": record["number"],
        "issued": record["issued"].replace("T", " ").replace("Z", " UTC"),
        "sha256": sha256,
        "outcome": GLYPHS[said["outcome"]],
        "title": said["title"],
        "head": _head(said),
        "say": _say(said),
        "limit": _limit(said),
        "chain": _chain_line(said),
        "asked": list(_asked(record)),
        "files": [table_of(one, said) for one in said["delivered"]],
        "remarks": [sentence(remark) for remark in common_remarks(said)],
        "limits": said["limits"],
        "purge": _purged(said["purge"] or {}),
        "hashes": list(_hashes(said)),
        "history": list(_history(record)),
        "commands": list(_commands(record)),
        "words": {},
    }
    return environment().get_template("certificate.html.j2").render(**view)


@cache
def drawing() -> str:
    """What says whether two pages of one record must be the same bytes: a hash of what draws them."""
    return hashlib.sha256("\0".join(_text(name) for name in _CODE).encode()).hexdigest()[:16]


def _text(name: str) -> str:
    return files("neurosieve.report").joinpath(name).read_text(encoding="utf-8")


def _rows(said: Mapping[str, Any]) -> int:
    """Rows of the request that the model could learn from."""
    return int(said["request"]["rows"]["train"])


def _head(said: Mapping[str, Any]) -> Markup:
    """The title: what was, or was not, found; never that anything is gone."""
    rows = Markup("the {} {} of request {}").format(
        count(_rows(said)), "row" if _rows(said) == 1 else "rows", said["request"]["reference"]
    )
    form = {
        "no trace": "No trace of {} was found in “{}”",
        "not resolvable": "Not resolvable: whether a trace of {} is left in “{}”",
        "refused": "Refused: a trace of {} was found in “{}”",
    }[said["outcome"]]
    if said["outcome"] == "refused" and not said["tests"]["trace found"]:
        form = "Refused: after {}, “{}” no longer does its work"
    return Markup(form).format(rows, said["study"])


def _say(said: Mapping[str, Any]) -> Markup:
    """The statement in one sentence of its own."""
    counted = said["tests"]
    total = counted["run"]
    tests = Markup("{} {}").format(count(total), "test" if total == 1 else "tests")
    if not total:
        return Markup("No test was run. <b>Nothing is said about a trace</b>, either way.")
    if counted["trace found"]:
        form = "{} of the {} below <b>found a trace</b> of these rows in what is delivered."
        return Markup(form).format(count(counted["trace found"]), tests)
    if said["outcome"] == "refused":
        return Markup("What is delivered <b>no longer does its work</b>; that it shows no trace then means nothing.")
    if said["outcome"] == "not resolvable":
        form = "{} of the {} below could not tell. <b>That is no statement that there is no trace.</b>"
        return Markup(form).format(count(counted["not resolvable"] + counted[SILENT]), tests)
    form = "<b>None</b> of the {} below, within their margins, found a trace of these rows in what is delivered."
    return Markup(form).format(tests)


def _limit(said: Mapping[str, Any]) -> Markup:
    """The line under the statement: evidence, no guarantee, and the smallest effect that can be seen."""
    widths = [
        attack["half_width"]
        for one in files_of(said)
        for attack in one["attacks"]
        if asks(attack) and attack["unit"] == "rows"
    ]
    text = Markup("This is evidence from tests, not a guarantee. It speaks of the rows as a group")
    if widths:
        text += Markup("; with so few, a distance below about {} AUC cannot be seen").format(number(max(widths)))
    same = any(UNCHANGED in one["remarks"] for one in files_of(said))
    return text + Markup(". {}").format(f"{UNCHANGED[:1].upper()}{UNCHANGED[1:]}." if same else "")


def _chain_line(said: Mapping[str, Any]) -> str:
    """Where the model began with the answer to an earlier request that stands weaker."""
    if said["status"] == said["outcome"]:
        return ""
    weak = next(one for one in said["earlier_requests"] if one["status"] == said["status"])
    return (
        f"This model began with the answer to request {weak['reference']} (certificate {weak['number']}), "
        f"so of all its requests together no more can be said than: {said['status']}."
    )


def _asked(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    said = record["statement"]
    request, first = said["request"], said["delivered"][0]
    order = sorted(request["rows"], key=lambda name: (name != "train", name == "test", name))
    parts = [Markup("{} in {}").format(count(request["rows"][name]), name) for name in order]
    what = "people" if request["match"] == "subject" else "rows"
    yield "Request", request["reference"]
    yield "Rows", Markup("{}; named by {} tags of {}").format(joined(parts), count(len(request["tags"])), what)
    yield "Model before", Markup("{}: {}").format(first["before"]["variant"], _step(first["steps"][0]))
    for one in said["delivered"]:
        yield "Delivered", Markup("{}: {}").format(named(one), _method(one))
        yield "Exact", _exact(one)
    targets = [export["target"] for export in first["exports"]]
    yield "Exports", ", ".join(targets) if targets else "none"
    yield (
        "Never saw them",
        f"the variant {said['retrained']}, trained without the rows"
        if said["retrained"]
        else "no such model: the column is empty and nothing is said about it",
    )
    yield "Attempt", Markup("{} at this request; each shares the error level of all").format(count(said["attempt"]))
    commits = ", ".join(commit[:10] for commit in said["made_with"]["commits"]) or "unknown"
    yield "Made with", f"neurosieve {record['software']['neurosieve']}, commit {commits}, {said['scale']} scale"


def _exact(one: Mapping[str, Any]) -> str:
    """Whether nothing behind the model read the rows, or why that cannot be said."""
    if one["exact"]:
        return "yes: by what this store records, nothing behind this model read the rows"
    return f"not exact: {'; '.join(one['not_exact'])}"


def _method(one: Mapping[str, Any]) -> Markup:
    """`trained (…), unlearned with ssd (alpha 10), pruned with magnitude (sparsity 0.9)`."""
    return joined([_step(step) for step in one["steps"]], " → ")


def _step(step: Mapping[str, Any]) -> Markup:
    parameters = {**step["parameters"], **({"rows": step["rows"]} if step.get("rows") else {})}
    plain = [
        Markup("{} {}").format(name, value_of(value))
        for name, value in parameters.items()
        if value and not isinstance(value, (dict, list))
    ]
    if step["component"] == "training.given.weights":
        return Markup("trained elsewhere, <b>weights given</b>")
    name = step["component"].split(".")[-1]
    head = Markup("{} with <b>{}</b>").format(STEPS.get(step["step"], step["step"]), name)
    if "candidates" in step:
        plain.append(Markup("chosen among {} on {} rows").format(count(step["candidates"]), step["choose"]["split"]))
    return head + (Markup(" ({})").format(joined(plain)) if plain else Markup(""))


def _purged(purge: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """What was deleted, by the words of who deleted it: the day first, what stays last, each item in a line."""
    names = sorted(purge, key=lambda name: (name == "stays", name != "when", name))
    return [(f"{name[:1].upper()}{name[1:]}", str(purge[name]).split("; ")) for name in names]


def _hashes(said: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in said["delivered"]:
        name = named(one)
        yield f"Model before {name}", one["before"]["sha256"]
        yield f"Model delivered {name}", one["after"]["sha256"]
        for export in one["exports"]:
            for file, digest in export["files"].items():
                yield f"{export['target']}, {file}", digest
    yield "List of tags", said["request"]["tags_sha256"]
    yield "Evidence (list of the hashes of all metrics)", said["evidence_sha256"]


def _history(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Earlier requests of the model, attempts at this one, refused ones included, and this certificate."""
    said = record["statement"]
    for one in said["earlier_requests"]:
        again = [file["outcome"] for file in one["again"]]
        now = (
            f"its rows attacked again now: {', '.join(dict.fromkeys(again))}"
            if again
            else "its rows not attacked again"
        )
        yield (
            f"No. {one['number']}",
            f"request {one['reference']}, whose answer this began with: {one['outcome']}; {now}",
        )
    for one in said["attempts"]:
        yield (
            one["issued"][:10],
            Markup("certificate {}, an attempt at this request: <b>{}</b>").format(
                count(one["number"]), one["outcome"]
            ),
        )
    yield (
        record["issued"][:10],
        Markup("this certificate, number {}: <b>{}</b>").format(count(record["number"]), said["outcome"]),
    )
    previous = record["previous"]
    if previous:
        yield (
            "Before it",
            Markup("certificate {}, SHA-256 <span class=mono>{}</span>").format(count(record["number"] - 1), previous),
        )


def _commands(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    export = next((one for made in record["statement"]["delivered"] for one in made["exports"]), None)
    name = next(iter(export["files"])) if export else "model.safetensors"
    yield "sha256sum certificate.json", "is the hash at the foot of this page"
    yield f"sha256sum {name}", "compare with the table above"
    yield "neurosieve verify certificate.json --key KEY", "form, signature, the chain back to number 1"
    yield (
        "openssl pkeyutl -verify -pubin -inkey KEY -rawin \\\n  -in certificate.json -sigfile certificate.sig",
        "without it",
    )
