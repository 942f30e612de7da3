"""Views: what people look at, derived from the store in seconds and stamped with the state they show.

The page (`results/report/`), links by study, variant and seed (`results/studies/`), the verdicts of all studies
(`results/verdicts.parquet`) and flat metrics for DVC (`results/metrics/`). A view is written aside and renamed;
a view of another state has another stamp, so it is missing, not stale.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import polars as pl

from neurosieve.artifacts.certificates import folder_of
from neurosieve.artifacts.store import Store
from neurosieve.plan.nodes import StudyPlan, key_of
from neurosieve.plan.project import Project

RENDERER = "neurosieve.report.page"
WARNINGS = "warnings.txt"
"""Beside the page: what could not be drawn, a line each; absent when all was."""


def missing_nodes(plans: Mapping[str, StudyPlan], present: Set[str]) -> dict[str, list[str]]:
    """Keys of each study's nodes that are not in the store."""
    return {
        slug: [key for key, node in plan.nodes.items() if node.folder not in present] for slug, plan in plans.items()
    }


def page_key(
    project: Project, plans: Mapping[str, StudyPlan], missing: Mapping[str, list[str]], assume: Set[str] = frozenset()
) -> str:
    """Key of the page's state: what each study's plan is, what of it is missing, why it failed, the code.

    Studies in `assume` are taken as complete; what they share with others is then there too.
    """
    studies, notes = {}, project.store.failures() if any(missing.values()) else {}
    computed = {key for slug in assume for key in missing[slug]}
    for slug, plan in plans.items():
        lacking = [key for key in missing[slug] if key not in computed]
        failed = {key: notes[key] for key in lacking if key in notes}
        studies[slug] = [plan.verdict, len(lacking), failed, plan.settings]
    code = project.source.code(RENDERER)
    drawing = [project.source.facts(f"neurosieve.views.{name}")["tree"] for name in ("written", "for_snakemake")]
    views = *drawing, project.source.digest_of("views/site")
    skipped = {"skipped": project.skipped} if project.skipped else {}
    return key_of({"studies": studies, "scale": project.scale, "code": code, "views": views, **skipped})


def certificate_key(plan: StudyPlan) -> str | None:
    """Key of the state that a study's certificate is written of; None where it asks for none, or at smoke scale."""
    asked = plan.settings.get("certify")
    if not asked or plan.scale == "smoke":
        return None
    models = [[cell.model, cell.export] for cell in plan.cells if cell.variant.split("@")[0] in asked["variants"]]
    return key_of({"certify": asked, "models": models, "verdict": plan.verdict})


def stamp_certificate(store: Store, slug: str, key: str) -> None:
    """Say that a study's certificate is of this state, and of no other: going back to an earlier one is news again."""
    folder = certificate_stamp(store.results, slug, key).parent
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{slug}@*"):
        old.unlink(missing_ok=True)
    certificate_stamp(store.results, slug, key).touch()


def certificate_stamp(results: Path, slug: str, key: str) -> Path:
    """The file that says so."""
    return folder_of(results) / ".stamps" / f"{slug}@{key}"


def write_views(project: Project, stamp: str | None = None, copies: bool = False) -> Path:
    """Draw everything from what is in the store; the path of the page. `stamp` is the state that was asked for.

    With `copies` also what `snakemake --report` shows: several times what the page weighs.
    """
    from neurosieve.report.page import render
    from neurosieve.views.site import site_of
    from neurosieve.views.site.certificates import copy_pages

    store = project.store
    plans, present = project.plans(), store.present()
    store.not_from_the_future(node.folder for plan in plans.values() for node in plan.nodes.values())
    stamp = stamp or page_key(project, plans, missing_nodes(plans, present))
    aside = store.scratch("page")
    try:
        site = site_of(project, plans, present)
        lacking = render(site, aside, store.work).items()
        if warnings := [f"config/studies/{slug}.yaml: no figure {line}" for slug, lines in lacking for line in lines]:
            (aside / WARNINGS).write_text("\n".join(warnings) + "\n")
            print(*(f"warning: {line}" for line in warnings), sep="\n", file=sys.stderr)
        copy_pages(store.results, aside)
        if copies:
            from neurosieve.views.for_snakemake import write_for_snakemake

            write_for_snakemake(site, aside, aside / f"snakemake-{stamp}")
        (aside / f"shown-{stamp}").touch()
        _link_studies(store, plans, present, stamp)
        _write_tables(store, plans)
        _swap(store, aside, store.results / "report")  # last: its stamp says that all views are of this state
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return store.results / "report" / "index.html"


def _link_studies(store: Store, plans: Mapping[str, StudyPlan], present: Set[str], stamp: str) -> None:
    """`results/studies/<study>/<variant>/seed11` -> the model's node; `…/seed11-onnx` the export's."""
    aside = store.scratch("studies")
    for plan in plans.values():
        for cell in plan.cells:
            node = plan.nodes[cell.export or cell.model]
            if node.folder not in present:
                continue
            seed = f"seed{cell.seed}" if cell.seed is not None else "any-seed"
            name = seed if cell.target == "native" else f"{seed}-{cell.target}"
            folder = aside / plan.slug / cell.variant
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(Path("../../../store") / node.folder)
    (aside / f"shown-{stamp}").touch()
    _swap(store, aside, store.results / "studies")


def _write_tables(store: Store, plans: Mapping[str, StudyPlan]) -> None:
    """All verdicts in one table, and each complete study's flat metrics (no timings: they would differ every time)."""
    verdicts = []
    for plan in plans.values():
        folder = plan.nodes[plan.verdict].folder
        if not store.exists(folder):
            continue
        verdicts.append(pl.read_parquet(store.path(folder) / "verdicts.parquet"))
        if plan.scale != "smoke":
            records = json.loads((store.path(folder) / "verdicts.json").read_text())
            metrics = pl.read_parquet(store.path(folder) / "metrics.parquet")
            _write_flat(store.results / "metrics", plan, metrics, records)
    if verdicts:
        temporary = store.work / f"verdicts-{os.getpid()}.parquet"
        pl.concat(verdicts, how="diagonal_relaxed").write_parquet(temporary)
        os.replace(temporary, store.results / "verdicts.parquet")


def evidence(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """By claim: how firm its verdict is, the value that decided it, what was asked of it, its criterion's hash."""
    found = {}
    for record in records:
        one = {"strength": record["strength"], "criterion": record["hash"][:12]}
        deciding = record.get("deciding") or {}
        if deciding.get("left") is not None:
            one["measured"] = float(f"{deciding['left']:.6g}")
            right = deciding.get("right")
            one["asked"] = f"{deciding['is'].replace('_', ' ')}{'' if right is None else f' {right:.6g}'}"
        found[str(record["claim"])] = one
    return found


def _write_flat(folder: Path, plan: StudyPlan, metrics: pl.DataFrame, verdicts: Sequence[Mapping[str, Any]]) -> None:
    """`<study>.json` (means over seeds, verdicts) and `<study>.csv` (every value) for `dvc metrics` and `dvc plots`."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = ["variant", "target", "metric", "split", "at"]
    flat: dict[str, dict[str, float]] = {}
    for row in metrics.group_by(keys).agg(pl.col("value").mean()).sort(keys).iter_rows(named=True):
        variant = row["variant"] if row["target"] == "native" else f"{row['variant']} on {row['target']}"
        name = " ".join(part for part in (row["metric"], row["split"], row["at"]) if part)
        flat.setdefault(variant, {})[name] = round(row["value"], 6)
    claims = {str(record["claim"]): record["verdict"] for record in verdicts}
    record = {"claims": claims, "evidence": evidence(verdicts), "metrics": flat, "scale": plan.scale}
    _replace(folder / f"{plan.slug}.json", json.dumps(record, indent=1, sort_keys=True) + "\n")
    _replace(folder / f"{plan.slug}.csv", metrics.select(*keys, "seed", "value").sort([*keys, "seed"]).write_csv())


def _replace(path: Path, text: str) -> None:
    """Write a file whole, and only if it differs, so that git and DVC see no change where there is none."""
    if path.exists() and path.read_text() == text:
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)


def _swap(store: Store, new: Path, final: Path) -> None:
    """Put a finished directory in place of the old one."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists() or final.is_symlink():
        store.bury(final)
    os.rename(new, final)
    for dead in store.work.glob(f"dead-{final.name}-*"):
        shutil.rmtree(dead, ignore_errors=True)
