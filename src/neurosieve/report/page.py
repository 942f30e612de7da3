"""Render the report: `index.html`, `studies/<slug>.html` and `assets/neurosieve.css`, from the view model alone.

Same view model, same bytes. The pages open from disk: they ask for nothing but the stylesheet beside them.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from neurosieve.errors import UserError
from neurosieve.report import figures, overview, tables, templates
from neurosieve.report.claims import WORDS, ClaimView, claim_views, tally
from neurosieve.report.state import Site, StudyState

SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
STYLE = "neurosieve.css"


def render(site: Site, out: Path) -> None:
    """Write the report into the folder `out`, over what is there.

    Raises UserError when a study's slug cannot be a file name or occurs twice.
    """
    _check_slugs(site)
    for folder in (out / "studies", out / "assets"):
        folder.mkdir(parents=True, exist_ok=True)
    claims = {study.slug: claim_views(study) for study in site.studies}
    frame = {"scale": site.scale, "commit": site.generated_from, "version": site.version, "words": WORDS}
    index = _templates().get_template("index.html.j2")
    _write(out / "index.html", index.render(root="", here=True, **frame, **overview.index(site, claims)))
    page = _templates().get_template("study.html.j2")
    shown = [study for study in site.studies if study.state != "not run"]
    for place, study in enumerate(shown):
        following = shown[place + 1].slug if place + 1 < len(shown) else ""
        view = _study(study, claims[study.slug], site.generated_from) | {"following": following}
        _write(out / "studies" / f"{study.slug}.html", page.render(root="../", here=False, **frame, **view))
    style = files("neurosieve.report").joinpath(STYLE).read_text(encoding="utf-8")
    _write(out / "assets" / STYLE, style)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(templates.__name__, ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _check_slugs(site: Site) -> None:
    slugs = [study.slug for study in site.studies]
    for slug in slugs:
        if not SLUG.fullmatch(slug):
            raise UserError(f"study '{slug}': a slug is lower-case letters, digits and hyphens; rename its YAML file")
        if slugs.count(slug) > 1:
            raise UserError(f"two studies have the slug '{slug}'; rename one of their YAML files")


def _study(study: StudyState, claims: list[ClaimView], commit: str | None) -> dict[str, Any]:
    view = {
        "s": study,
        "claims": claims,
        "pictures": any(part.strip for claim in claims for part in claim.parts),
        "tally": tally(claims),
        "notices": overview.notices(study),
        "cost": tables.cost(study.nodes),
        "code": _safe_link(study),
        "figures": figures.study_figures(study),
        "tables": tables.methods(study),
        # a sentence about findings belongs to a complete run whose numbers are evidence
        "answer": study.answer if study.state == "complete" and study.scale != "smoke" else None,
        "made": any(node.from_store is not None for node in study.nodes),
        "seeds": ", ".join(str(seed) for seed in study.seeds),
        "timed": any(row.timing for row in study.metrics),
        "targets": tables.targets(study),
        "glyphs": _glyphs(study),
        "card": tables.data_card(study),
        "commands": study.commands or _commands(study, commit),
        "nodes": tables.provenance(study),
        "facts": tables.facts(study, commit),
    }
    return view | {"contents": _contents(view)}


def _contents(view: dict[str, Any]) -> list[tuple[str, str]]:
    """The parts that are there, in the fixed order."""
    named = [
        ("claims", "Claims", view["claims"]),
        ("figures", "Figures", view["figures"]),
        ("methods", "All methods", view["tables"]),
        ("targets", "Hardware targets", view["targets"]),
        ("data", "Data", view["card"]),
        ("reproduce", "Reproduce", True),
        ("provenance", "Provenance", view["nodes"] or view["facts"]),
    ]
    return [(name, title) for name, title, there in named if there]


def _safe_link(study: StudyState) -> str:
    """The code's address, where it is one: anything but http(s) is not made a link."""
    code = study.paper.code if study.paper else ""
    return code if code.startswith(("https://", "http://")) else ""


def _glyphs(study: StudyState) -> dict[str, Any] | None:
    drawn = figures.sprite(study.samples) if study.samples else None
    if study.samples is None or drawn is None:
        return None
    uri, width, height = drawn
    labels = ", ".join(study.samples.labels) if len(study.samples.labels) <= 20 else ""
    return {"uri": uri, "width": width, "height": height, "count": len(study.samples.images), "labels": labels}


def _commands(study: StudyState, commit: str | None) -> tuple[tuple[str, str], ...]:
    checkout = f"git checkout {commit} && " if commit else ""
    return (
        (f"{checkout}snakemake {study.slug}", "this page, these numbers"),
        (f"neurosieve plan {study.slug}", "every node: done, to do, last known seconds"),
    )
