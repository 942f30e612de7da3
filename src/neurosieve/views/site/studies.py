"""From plans and store to what the page shows, study by study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from neurosieve.artifacts.store import Store, read_provenance
from neurosieve.errors import UserError
from neurosieve.evaluation.claims.verdicts import Verdict, summary
from neurosieve.jobs.verdict import verdicts_of
from neurosieve.plan.nodes import STAGES, StudyPlan
from neurosieve.plan.project import Project
from neurosieve.plan.study import load_study
from neurosieve.report import state as page
from neurosieve.views.site import costs, data, evidence, history, notes, tables
from neurosieve.views.site.certificates import certificates
from neurosieve.views.site.reader import Reader, Records, run_of, verdicts_by_study


def site_of(project: Project, plans: Mapping[str, StudyPlan], present: Set[str]) -> page.Site:
    """Everything the page shows, from what is in the store."""
    records = _records(project.store, plans, present)
    run = run_of(list(records.values()))
    criteria = history.Histories(project)
    verdicts = verdicts_by_study(present)
    made = {
        slug: _study(Reader(project, plan, present, records, verdicts), run, criteria) for slug, plan in plans.items()
    }
    made |= {slug: _skipped(project, slug, reason) for slug, reason in project.skipped.items()}
    studies = tuple(made[slug] for slug in project.studies if slug in made)
    commits = sorted({record["run"]["commit"] for record in records.values() if record["run"].get("commit")})
    return page.Site(
        studies=studies,
        scale=project.scale,
        generated_from=commits[0] if len(commits) == 1 else None,
        version=_version(),
        run=run.total(list(records.values())),
        summary=_summary(studies),
        costs=costs.costs(plans, records),
        slowest=costs.slowest(plans, records),
        certificates=certificates(project.store.results),
    )


def _version() -> str:
    try:
        return version("neurosieve")
    except PackageNotFoundError:
        return ""


def _records(store: Store, plans: Mapping[str, StudyPlan], present: Set[str]) -> Records:
    """Provenance of every node that exists, by key."""
    nodes = {node.key: node for plan in plans.values() for node in plan.nodes.values()}
    return {key: read_provenance(store.path(node.folder)) for key, node in nodes.items() if node.folder in present}


def _summary(studies: tuple[page.StudyState, ...]) -> page.Summary:
    """Counts over all studies, and how many claims would hold by luck (CLAIMS.md, section 3)."""
    names = (
        "study",
        "claim",
        "says",
        "paper",
        "verdict",
        "firm",
        "exact",
        "reason",
        "criterion",
        "scale",
        "hash",
        "luck",
        "p",
    )
    records: list[dict[str, Any]] = [record for study in studies for record in study.claims]
    known: list[dict[str, Any]] = [{name: record.get(name) for name in names} for record in records]
    verdicts = [Verdict(**fields) for fields in known]
    found = summary(verdicts)
    return page.Summary(
        decided=found["decided"],
        holds=found["holds"],
        holds_firmly=found["holds firmly"],
        exact=found["exact"],
        luck=found["luck"],
        q=found["q"],
    )


def _study(reader: Reader, run: Any, criteria: history.Histories) -> page.StudyState:
    plan, settings = reader.plan, reader.plan.settings
    claims, frames = _decided(reader)
    failures = _failures(reader)
    missing = [node for node in plan.nodes.values() if node.folder not in reader.present]
    last = _last_complete(reader) if missing and not failures else ""
    known = notes.read(settings.get("notes") or {})
    declared = notes.declared(settings.get("figures") or [])
    return page.StudyState(
        slug=plan.slug,
        question=settings["question"],
        answer=settings["answer"],
        paper=page.Paper.model_validate(settings["paper"]) if settings["paper"] else None,
        titles=notes.titles(settings.get("figures") or []),
        figures=declared,
        series=tables.series(frames, declared),
        **known,
        state=_state(reader, missing, failures, last),
        nodes_done=len(plan.nodes) - len(missing),
        nodes_total=len(plan.nodes),
        to_compute=len(missing),
        last_complete=last,
        failures=failures,
        scale=plan.scale,
        seeds=tuple(plan.grid["seeds"]),
        datasets=data.datasets(reader),
        forgotten=data.forgotten(reader),
        claims=claims,
        histories=criteria.of(reader, claims),
        chains=tables.chains(plan),
        layers=tables.layers(reader),
        metrics=tables.metrics(frames, plan),
        evidence=evidence.evidence(frames.get("metrics")),
        targets=tables.targets(reader),
        nodes=tables.nodes(reader, run),
        packages=tables.packages(reader),
        machines=tables.machines(reader),
        commits=tables.commits(reader),
        config=f"config/studies/{plan.slug}.yaml",
    )


def _skipped(project: Project, slug: str, reason: str) -> page.StudyState:
    """A study that cannot be planned here: what it asks and claims, and what it lacks."""
    study = load_study(project.root / "config" / "studies" / f"{slug}.yaml", project.scale).study
    told = {"study": slug, "verdict": "not decided", "reason": f"skipped: {reason}", "scale": project.scale}
    claims = tuple(
        {**told, "claim": str(claim.get("id", "")), "says": claim.get("says", ""), "paper": claim.get("paper", "")}
        for claim in study.claims
    )
    known = notes.read(study.notes)
    return page.StudyState(
        slug=slug, question=study.question, paper=study.paper, **known, state="skipped", state_line=reason,
        scale=project.scale, seeds=tuple(study.seeds), claims=claims, config=f"config/studies/{slug}.yaml",
    )  # fmt: skip


def _state(reader: Reader, missing: list[Any], failures: tuple[page.Failure, ...], last: str) -> page.State:
    if not missing:
        return "complete"
    if failures:
        return "failed"
    if last:
        return "changed"
    return "incomplete" if len(missing) < len(reader.plan.nodes) else "not run"


def _last_complete(reader: Reader) -> str:
    """Key and day of the study's last complete state at this scale, where its plan has changed since."""
    older = [record for record in reader.earlier_verdicts() if record["recipe"].get("scale") == reader.plan.scale]
    if not older or reader.plan.nodes[reader.plan.verdict].folder in reader.present:
        return ""
    last = max(older, key=lambda record: record["run"].get("started", ""))
    return f"{last['key']} of {last['run'].get('started', '')[:10]}"


def _decided(reader: Reader) -> tuple[tuple[dict[str, Any], ...], dict[str, pl.DataFrame]]:
    """Verdict records and collected tables: as stored where the study is complete, else on what exists."""
    stored = reader.directory(reader.plan.verdict)
    if stored is None:
        verdicts, frames = verdicts_of(reader.plan, reader.directory)
        return tuple(verdict.as_dict() for verdict in verdicts), frames
    paths = {name: stored / f"{name}.parquet" for name in ("metrics", "timings", "items")}
    frames = {name: pl.read_parquet(path) for name, path in paths.items() if path.exists()}
    return tuple(_verdicts(stored)), frames


def _verdicts(stored: Path) -> list[dict[str, Any]]:
    try:
        return json.loads((stored / "verdicts.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{stored / 'verdicts.json'} cannot be read: {error}; delete the folder and rerun") from None


def _failures(reader: Reader) -> tuple[page.Failure, ...]:
    found = []
    nodes = sorted(reader.plan.nodes.values(), key=lambda node: STAGES.index(node.stage))
    for node in nodes:
        text = reader.store.failure(node.key).read() if node.folder not in reader.present else None
        if text:
            log, rerun = f"results/logs/{node.folder}.log", f"snakemake {reader.plan.slug}"
            found.append(page.Failure(stage=node.stage, title=node.title, error=text, log=log, rerun=rerun))
    return tuple(found)
