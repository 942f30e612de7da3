"""What a certificate says: which rows, which models before and after, by which steps, what was found, what was not.

Everything is read from the store and named by hashes; ids and rules that choose rows stay out, tags go in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from neurosieve.artifacts.certificates import Certificate, sha256_of_value
from neurosieve.artifacts.model import FILE
from neurosieve.artifacts.requested import Asked
from neurosieve.artifacts.store import read_provenance
from neurosieve.artifacts.tags import controller_key, tags_of
from neurosieve.errors import UserError
from neurosieve.jobs.choosing import chosen
from neurosieve.plan.certifying import before_of, certified_cells, selection_of
from neurosieve.plan.nodes import Cell, Node, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.requests import limits, outcomes
from neurosieve.requests.exactness import asked_of, exactness

IMPORTED = ("component", "model")
"""Parts of a recipe that name packages."""


@dataclass
class Reading:
    """A computed study; each node it touches is checked once against the hashes it was stored with."""

    project: Project
    plan: StudyPlan
    _records: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def asked(self) -> dict[str, Any]:
        """`certify:` as planned."""
        return self.plan.settings["certify"]

    def node(self, key: str) -> Node:
        return self.plan.nodes[key]

    def directory(self, key: str) -> Path:
        return self.project.store.path(self.node(key).folder)

    def record(self, key: str) -> dict[str, Any]:
        """A node's record. Raises UserError when a file of it is missing or changed."""
        if key not in self._records:
            store, directory = self.project.store, self.directory(key)
            record = read_provenance(directory)
            if problem := store.check(directory, record):
                raise UserError(store.shown(f"{problem}: no certificate; delete {directory} and run again"))
            self._records[key] = record
        return self._records[key]

    def hashed(self, key: str) -> dict[str, str]:
        """SHA-256 of a node's files by name, measured seconds left out."""
        return dict(self.record(key)["files"])

    def metrics(self) -> pl.DataFrame:
        """All that was measured, as the verdict collected it."""
        self.record(self.plan.verdict)
        return pl.read_parquet(self.directory(self.plan.verdict) / "metrics.parquet")

    def records(self) -> dict[str, dict[str, Any]]:
        """Records read so far."""
        return dict(self._records)


def read_study(project: Project, slug: str) -> Reading:
    """The study, ready to be certified. Raises UserError where it asks for none, is at smoke scale or not complete."""
    plan = project.plan(slug)
    if "certify" not in plan.settings:
        raise UserError(f"config/studies/{slug}.yaml has no `certify:`; it names what is delivered and what was before")
    if plan.scale == "smoke":
        raise UserError(f"{slug}: smoke numbers are never evidence: no certificate at smoke scale")
    lacking = [node for node in plan.nodes.values() if not project.store.exists(node.folder)]
    if lacking:
        word = f"{len(lacking)} of {len(plan.nodes)} nodes are not computed"
        raise UserError(f"{slug}: {word} ({lacking[0].title}): no certificate; run `snakemake {slug}`")
    return Reading(project, plan)


def statement_of(
    reading: Reading, earlier: Sequence[Certificate], purge: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The statement of a study's certificate, given those before it. `purge` is what was erased, where anything was.

    Raises UserError when the store holds something else than it says, and when measurements are of another model.
    """
    asked, plan = reading.asked, reading.plan
    own = [one for one in earlier if is_of(one, plan.slug, asked["reference"])]
    purge = purge or next((one.statement["purge"] for one in reversed(own) if one.statement["purge"]), None)
    frame, cells = reading.metrics(), list(certified_cells(plan, asked["variants"], asked["at"]))
    delivered = [_delivered(reading, cell, frame) for cell in cells]
    tried = sha256_of_value([_identity(one) for one in delivered])
    request, exact = _known(reading, own, tried) or _asked(reading, cells)
    attempts = _attempts(own, tried)
    attempt = len({one["tried"] for one in attempts}) + 1
    for one, cell in zip(delivered, cells, strict=True):
        for file in one["evidence"]:
            outcomes.judge(file, outcomes.rows_of(frame, replace(cell, target=file["target"])), asked["loss"], attempt)
        one |= {"outcome": outcomes.weakest(file["outcome"] for file in one["evidence"]), **exact[cell.model]}
    before = _earlier_requests(earlier, delivered, request["reference"], _again(reading, cells, frame))
    outcome, retrained = outcomes.weakest(one["outcome"] for one in delivered), _retrained(reading)
    return {
        "study": plan.slug,
        "question": plan.settings["question"],
        "scale": plan.scale,
        "outcome": outcome,
        "title": outcomes.TITLES[outcome],
        "status": outcomes.weakest([outcome, *(one["status"] for one in before)]),
        "request": request,
        "tests": outcomes.counted(delivered),
        "retrained": retrained,
        "delivered": delivered,
        "earlier_requests": before,
        "attempt": attempt,
        "attempts": attempts,
        "purge": dict(purge) if purge else None,
        "limits": limits.sentences(request, frame, purge, retrained, exact=all(one["exact"] for one in delivered)),
        "evidence_sha256": sha256_of_value([file["files"] for one in delivered for file in one["evidence"]]),
        "may_lose": asked["loss"],
        "made_with": _made_with(reading),
        "tried": tried,
        "result": sha256_of_value([tried, asked, purge]),
    }


Exact = dict[str, dict[str, Any]]
"""By model: `exact`, and why `not_exact`."""


def _known(reading: Reading, own: Sequence[Certificate], tried: str) -> tuple[dict[str, Any], Exact] | None:
    """What an earlier certificate of the same models said of the rows: once they are purged, they tell no more."""
    said = next((one.statement for one in reversed(own) if one.statement["tried"] == tried), None)
    if said is None:
        return None
    exact = {one["after"]["node"]: {name: one[name] for name in ("exact", "not_exact")} for one in said["delivered"]}
    return {**said["request"], "retention": reading.asked["retention"]}, exact


def _asked(reading: Reading, cells: Sequence[Cell]) -> tuple[dict[str, Any], Exact]:
    """The request, and whether the models that answer it are exact."""
    node = reading.node(str(selection_of(reading.plan, cells[0])))
    rows = asked_of(reading, node)
    return _request(reading, node, rows), exactness(reading, rows, [cell.model for cell in cells])


def is_of(one: Certificate, slug: str, reference: str) -> bool:
    """Whether a certificate is of this study and request."""
    return (one.statement["study"], one.statement["request"]["reference"]) == (slug, reference)


def _request(reading: Reading, node: Node, rows: Asked) -> dict[str, Any]:
    """Which rows: sorted tags, how many of each split, and the node that chose them; no id and no rule."""
    tags = tags_of(controller_key(reading.project.root), rows.ids)
    counts = json.loads((reading.directory(node.key) / "selection.json").read_text())["counts"]
    return {
        "reference": reading.asked["reference"],
        "match": rows.match,
        "tags": tags,
        "tags_sha256": sha256_of_value(tags),
        "rows": {name: int(number) for name, number in sorted(counts.items()) if number},
        "selection": node.key,
        "dataset": node.recipe["inputs"]["of"],
        "retention": reading.asked["retention"],
    }


def _delivered(reading: Reading, cell: Cell, frame: pl.DataFrame) -> dict[str, Any]:
    """One delivered model at one seed: before, after, steps, exports, what was measured; not judged yet."""
    plan = reading.plan
    before = before_of(plan, cell, reading.asked["before"])
    if before is None:
        raise UserError(f"{plan.slug}: there is no '{reading.asked['before']}' beside {cell.variant}")
    own = [one for one in plan.cells if (one.variant, one.seed) == (cell.variant, cell.seed)]
    for key in (cell.model, *(one.export for one in own if one.export)):
        if gone := [name for name in reading.hashed(key) if not (reading.directory(key) / name).is_file()]:
            raise UserError(f"{plan.slug}: {gone[0]} of {reading.node(key).folder} was purged: no certificate of it")
    retrained = _retrained(reading)
    beside = before_of(plan, cell, retrained) if retrained else None
    return {
        "variant": cell.variant,
        "seed": cell.seed,
        "before": {"variant": before.variant, **model_of(reading, before.model)},
        "after": model_of(reading, cell.model),
        "steps": list(_steps(reading, cell.model)),
        "exports": [_export(reading, one, frame) for one in own if one.export],
        "evidence": [outcomes.evidence(reading, one, before, beside, frame) for one in own],
    }


def model_of(reading: Reading, key: str) -> dict[str, Any]:
    """A model by its node and the content hashes of its weights: its own file, and those it only differs from."""
    base = json.loads((reading.directory(key) / "model.json").read_text()).get("base")
    found = {"node": key, "folder": reading.node(key).folder, "sha256": reading.hashed(key)[FILE]}
    return {**found, "base": model_of(reading, base)} if base else found


def _steps(reading: Reading, key: str) -> Iterator[dict[str, Any]]:
    """Every step from training to a model, first one first, each with its parameters."""
    node = reading.node(key)
    inputs = node.recipe["inputs"]
    if "model" in inputs:
        yield from _steps(reading, inputs["model"])
    step = {
        "step": str(node.recipe.get("kind", node.stage)),
        "component": node.recipe["component"]["use"],
        "code": node.recipe["component"]["code"],
        "parameters": dict(node.recipe["params"]),
        "node": key,
        "seed": node.recipe["seed"],
    }
    for name in ("rows", "choose", "files", "checkpoint", "shard"):
        if name in node.recipe:
            step[name] = node.recipe[name]
    table = reading.directory(key) / "candidates.parquet"
    if (rule := node.recipe.get("choose")) and table.exists():  # an earlier version erased it with the weights
        candidates = pl.read_parquet(table).to_dicts()
        step["parameters"] |= chosen(rule, candidates)
        step["candidates"] = len(candidates)
    yield step


def _export(reading: Reading, cell: Cell, frame: pl.DataFrame) -> dict[str, Any]:
    """One exported file set: hashes, runtime, and its parity with the model it came from."""
    key = str(cell.export)
    hashes = reading.hashed(key)
    told = json.loads((reading.directory(key) / "export.json").read_text())
    rows = outcomes.rows_of(frame, cell).filter(pl.col("metric") == "max_logit_difference")["value"].to_list()
    facts = told["facts"]
    return {
        "target": cell.target,
        "node": key,
        "folder": reading.node(key).folder,
        "files": {name: hashes[name] for name in sorted(told["files"])},
        "runtime": told["runtime"],
        "parity": float(max(rows)) if rows else None,
        "instruction_set": facts.get("instruction_set"),
    }


def _retrained(reading: Reading) -> str | None:
    """The variant that was trained from its start without the rows, where the study has one."""
    for cell in reading.plan.cells:
        recipe = reading.node(cell.model).recipe
        if "model" not in recipe["inputs"] and (recipe.get("rows") == "retain" or "without" in recipe):
            return cell.variant.split("@")[0]
    return None


def _identity(one: Mapping[str, Any]) -> Any:
    """What makes a delivered model another one: its weights, its exports, what was measured."""
    names = ("variant", "seed", "before", "after")
    files = [[export["target"], export["files"]] for export in one["exports"]]
    return [*(one[name] for name in names), files, [evidence["files"] for evidence in one["evidence"]]]


def _attempts(own: Sequence[Certificate], tried: str) -> list[dict[str, Any]]:
    """Earlier certificates of this request on other models or other evidence; refused ones stay."""
    return [
        {
            "number": one.number,
            "sha256": one.sha256,
            "issued": one.record["issued"],
            "outcome": one.statement["outcome"],
            "tried": one.statement["tried"],
        }
        for one in own
        if one.statement["tried"] != tried
    ]


def _earlier_requests(
    earlier: Sequence[Certificate],
    delivered: Sequence[Mapping[str, Any]],
    reference: str,
    again: Mapping[str, list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Certificates of other requests whose result this request began with, or whose rows were measured again.

    `again` are attacks on what is delivered now with the rows of other requests, by the hash of their tags.
    """
    begun = {one["before"]["sha256"] for one in delivered} | {one["before"]["node"] for one in delivered}
    found: dict[str, Certificate] = {}
    for one in earlier:
        asked = one.statement["request"]
        results = {name for made in one.statement["delivered"] for name in _results(made)}
        if asked["reference"] != reference and (begun & results or asked["tags_sha256"] in again):
            found[asked["reference"]] = one  # the latest says how that request stands
    return [
        {
            "number": one.number,
            "sha256": one.sha256,
            "reference": name,
            "outcome": one.statement["outcome"],
            "again": (rows := again.get(one.statement["request"]["tags_sha256"], [])),
            "status": outcomes.weakest([one.statement["status"], *(file["outcome"] for file in rows)]),
        }
        for name, one in found.items()
    ]


def _results(made: Mapping[str, Any]) -> set[str]:
    """Hash of a delivered model, and nodes of its steps behind the model before: what the request made."""
    steps = [step["node"] for step in made["steps"]]
    behind = steps.index(made["before"]["node"]) + 1 if made["before"]["node"] in steps else 0
    return {made["after"]["sha256"], *steps[behind:]}


def _again(reading: Reading, cells: Sequence[Cell], frame: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """What attacks with other requests' rows found in the models that are delivered, by the hash of those tags."""
    plan, found = reading.plan, dict[str, list[dict[str, Any]]]()
    models, own = {cell.model for cell in cells}, selection_of(plan, cells[0])
    for cell in plan.cells:
        key = selection_of(plan, cell)
        if cell.model in models and key is not None and key != own:
            one = {"variant": cell.variant, "seed": cell.seed, "target": cell.target}
            one |= outcomes.attacked(outcomes.rows_of(frame, cell), attempt=1)
            params = reading.node(key).recipe["params"]
            tags = sorted(params["tags"]) if "tags" in params else [key]  # a rule's rows are no request
            found.setdefault(sha256_of_value(tags), []).append(one)
    return found


def _made_with(reading: Reading) -> dict[str, Any]:
    """Packages that the code behind the models imports, and the commits of the code that made them."""
    packages: dict[str, str] = {}
    commits = set()
    for record in reading.records().values():
        for part in IMPORTED:
            packages |= record["recipe"].get(part, {}).get("packages", {})
        commits |= {record["run"].get("commit")} - {None}
    return {"packages": dict(sorted(packages.items())), "commits": sorted(commits)}
