"""Render the report from the view model alone: index, a page per study, composition, time, and the assets beside them.

Same view model, same bytes. The pages open from disk: they ask for nothing but the stylesheet and the scripts
beside them, and the index is complete without a script.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from neurosieve.report import composition, evidence, figures, overview, rows, tables, time
from neurosieve.report.answer import answer_of
from neurosieve.report.charts import declared, theme
from neurosieve.report.check import check
from neurosieve.report.claims import WORDS, ClaimView, claim_views, tally
from neurosieve.report.environment import environment
from neurosieve.report.flags import flags
from neurosieve.report.missing import notices
from neurosieve.report.numbers import listed
from neurosieve.report.state import Dataset, Site, StudyState
from neurosieve.report.vega import write_bundle

ASSETS = ("neurosieve.css", "report.js")


def render(site: Site, out: Path, cache: Path | None = None) -> dict[str, list[str]]:
    """Write the report into the folder `out`, over what is there; by study, the declared figures that show nothing.

    `cache`: a folder where the chart script is kept.
    Raises UserError when a study's slug cannot be a file name or occurs twice, and when a study's measurements are
    of different models.
    """
    check(site)
    for folder in (out / "studies", out / "assets"):
        folder.mkdir(parents=True, exist_ok=True)
    claims = {study.slug: claim_views(study, site.summary.q) for study in site.studies}
    composed = composition.composed(site)
    frame = _frame(site) | {"composed": bool(composed), "spent": bool(site.costs)}
    view = overview.index(site, claims) | {"composition": composition.teaser(composed)}
    _draw(out / "index.html", "index", frame, view, here="results")
    shown = [study for study in site.studies if study.state != "not run"]
    lacking = {study.slug: declared.empty(study) for study in shown}
    for place, study in enumerate(shown):
        view = _study(study, claims[study.slug], site, lacking[study.slug]) | {"following": _following(shown, place)}
        _draw(out / "studies" / f"{study.slug}.html", "study", frame | {"root": "../"}, view, here="")
    if composed:
        _draw(out / "composition.html", "composition", frame, {"p": composition.page(composed)}, here="composition")
    if site.costs:
        _draw(out / "time.html", "time", frame, {"t": time.page(site)}, here="time")
    for name in ASSETS:
        _write(out / "assets" / name, files("neurosieve.report").joinpath(name).read_text(encoding="utf-8"))
    if shown or site.costs:
        write_bundle(out / "assets" / "vega.js", cache)
    return lacking


def _frame(site: Site) -> dict[str, Any]:
    return {
        "root": "",
        "scale": site.scale,
        "commit": (site.generated_from or "")[:10],
        "version": site.version,
        "date": site.run.date,
        "words": WORDS,
        "theme": Markup(theme.as_json(theme.CONFIG)),
    }


def _draw(path: Path, template: str, frame: dict[str, Any], view: dict[str, Any], here: str) -> None:
    _write(path, environment().get_template(f"{template}.html.j2").render(**frame, **view, here=here))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _following(shown: Sequence[StudyState], place: int) -> dict[str, str]:
    """The next study of the same field, else the next of all."""
    after = shown[place + 1 :]
    near = next((study for study in after if study.family == shown[place].family), None)
    if near is not None:
        return {"slug": near.slug, "words": "Next in this field" if near.family else "Next"}
    return {"slug": after[0].slug, "words": "Next"} if after else {}


def _study(study: StudyState, claims: list[ClaimView], site: Site, lacking: list[str]) -> dict[str, Any]:
    panels = rows.panels(study)
    drawn = figures.study_figures(study, panels) if study.metrics else []
    answer, methods, roles = answer_of(study), tables.methods(study, panels), _roles(study)
    view = {
        "s": study,
        "claims": claims,
        "pictures": any(part.strip for claim in claims for part in claim.parts),
        "deltas": any("Δ" in str(part.interval) for claim in claims for part in claim.parts),
        "criteria": _criteria(claims),
        "tally": tally(claims),
        "notices": [*notices(study), *_empty_figures(study, lacking)],
        "cost": tables.cost(study.nodes),
        "code": _safe_link(study),
        "figures": drawn,
        "tables": methods,
        "flags": flags(study),
        "evidence": evidence.tables(study),
        "roles": roles,
        "forgets": any(role["role"] == "retrained" for role in roles),
        "answer": answer,
        "seeds": listed(study.seeds),
        "timed": any(row.timing for row in study.metrics),
        "undirected": any(not head["arrow"] for table in methods for head in table["head"]),
        "targets": tables.targets(study),
        "target_notes": tables.target_notes(study),
        "retrained_forget": tables.retrained_forget(study),
        "certificates": [one for one in site.certificates if one.study == study.slug],
        "data": [_data(study, dataset) for dataset in study.datasets],
        "origins": overview.origins(study),
        "commands": study.commands or _commands(study, site.generated_from),
        "nodes": tables.provenance(study),
        "facts": tables.facts(study),
    }
    return view | {"contents": _contents(view)}


_ROLES = {
    "original": ("role-original", "■ original"),
    "retrained": ("text-retrained", "◆ retrained"),
    "method": ("text-method", "● the paper’s method"),
    "baseline": ("text-baseline", "▲ baselines"),
}


def _roles(study: StudyState) -> list[dict[str, str]]:
    """The roles that the study's variants play, as figures show them."""
    played = {rows.role_of(study, row.variant.split("@")[0]) for row in study.metrics}
    return [
        {"role": role, "colour": colour, "words": words} for role, (colour, words) in _ROLES.items() if role in played
    ]


def _empty_figures(study: StudyState, lacking: list[str]) -> list[dict[str, Any]]:
    """Lines on top of the page for declared figures that show nothing."""
    help_ = f"See `figures:` in config/studies/{study.slug}.yaml."
    return [{"word": "no figure", "line": line.rstrip("."), "help": help_, "command": ""} for line in lacking]


def _contents(view: dict[str, Any]) -> list[tuple[str, str]]:
    """The parts that are there, in the fixed order."""
    named = [
        ("claims", "Claims", view["claims"]),
        ("figures", "Figures", view["figures"]),
        ("methods", "All methods", view["tables"]),
        ("evidence", "Evidence", view["evidence"]),
        ("targets", "Hardware targets", view["targets"] or view["s"].not_exported),
        ("certificates", "Certificates", view["certificates"]),
        ("data", "Data", view["data"]),
        ("reproduce", "Reproduce", True),
        ("provenance", "Provenance", view["nodes"] or view["facts"]),
    ]
    return [(name, title) for name, title, there in named if there]


def _criteria(claims: Sequence[ClaimView]) -> str:
    """What is known of when the criteria were fixed, for the head of the section."""
    younger = [claim.id for claim in claims if claim.history.younger]
    commits = {claim.history.commit for claim in claims}
    if younger:
        return f"criterion younger than the result: {', '.join(younger)}"
    if len(commits) == 1 and (commit := next(iter(commits))):
        return f"criteria fixed in commit {commit[:10]}"
    if all(commits) and commits:
        return "criteria fixed in git, each with its commit"
    return "each with its criterion"


def _safe_link(study: StudyState) -> str:
    """The code's address, where it is one: anything but http(s) is not made a link."""
    code = study.paper.code if study.paper else ""
    return code if code.startswith(("https://", "http://")) else ""


def _data(study: StudyState, dataset: Dataset) -> dict[str, Any]:
    samples = dataset.samples
    drawn = figures.sprite(samples) if samples else None
    glyphs = None
    if samples is not None and drawn is not None:
        uri, width, height = drawn
        labels = ", ".join(samples.labels) if len(samples.labels) <= 20 else ""
        glyphs = {"uri": uri, "width": width, "height": height, "count": len(samples.images), "labels": labels}
    settings = ", ".join(setting.replace("=", " ") for setting in dataset.settings)
    title = f"{dataset.name}{f' ({settings})' if settings else ''}"
    return {"title": title, "card": tables.data_card(study, dataset), "glyphs": glyphs}


def _commands(study: StudyState, commit: str | None) -> tuple[tuple[str, str], ...]:
    checkout = f"git checkout {commit[:10]} && " if commit else ""
    method = next((name for name in (row.variant.split("@")[0] for row in study.metrics) if name == study.slug), "")
    seed = f"/{study.seeds[0]}" if study.seeds else ""
    point = next((row.variant for row in study.metrics if row.variant.split("@")[0] == method), method)
    path = ((f"neurosieve path '{study.slug}/{point}{seed}'", "the directory behind one row"),) if method else ()
    return (
        (f"{checkout}snakemake {study.slug}", "this page, these numbers"),
        (f"neurosieve plan {study.slug}", "every node: done, to do, last known seconds"),
        *path,
        ("neurosieve restore", "fetch the results instead of computing them"),
    )
