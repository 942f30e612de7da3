"""The page as single files for Snakemake's own report (`snakemake --report`): each with its style, and the verdicts.

`pages/` holds the same pages at the same places below, the stylesheet inside and the scripts beside them, so that a
report as zip has links and charts, and one as a single HTML file has at least every word and table. `verdicts/`
holds one table per study that has claims.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from markupsafe import Markup

from neurosieve.errors import UserError
from neurosieve.report.claims import WORDS, ClaimView, claim_views
from neurosieve.report.state import Site

_DOCUMENT = Markup(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Verdicts: {slug}</title>\n'
    '<meta name="color-scheme" content="light dark"><style>{css}</style></head>\n<body><main class="wrap">\n'
    "<h1>{slug}</h1><p>{question}</p>\n<table><thead><tr><th>claim</th><th>says</th><th>verdict</th>"
    "<th>what decided it</th><th>holds if</th></tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n"
    "<p>{scale} scale.</p></main></body></html>\n"
)
_ROW = Markup("<tr><th>{}</th><td>{}</td><td>{}{}</td><td>{}</td><td>{}</td></tr>")


def write_for_snakemake(site: Site, drawn: Path, out: Path) -> None:
    """Make `out/pages` and `out/verdicts` from the page drawn into the folder `drawn`.

    Raises UserError when a page does not name its stylesheet as expected.
    """
    assets = drawn / "assets"
    css = Markup((assets / "neurosieve.css").read_text(encoding="utf-8"))
    for page in [*drawn.glob("*.html"), *(drawn / "studies").glob("*.html")]:
        root = "../" if page.parent != drawn else ""
        link = f'<link rel="stylesheet" href="{root}assets/neurosieve.css">'
        text = page.read_text(encoding="utf-8")
        if link not in text:
            raise UserError(f"{page.name}: the page has no {link}")
        _write(out / "pages" / page.relative_to(drawn), text.replace(link, f"<style>{css}</style>"))
    for script in assets.glob("*.js"):
        _same(script, out / "pages" / "assets" / script.name)
    (out / "verdicts").mkdir()
    for study in site.studies:
        if claims := claim_views(study, site.summary.q):
            rows = Markup("\n").join(map(_row, claims))
            text = _DOCUMENT.format(slug=study.slug, question=study.question, css=css, rows=rows, scale=study.scale)
            _write(out / "verdicts" / f"{study.slug}.html", text)


def _row(claim: ClaimView) -> Markup:
    fragile = " (fragile)" if claim.fragile else ""
    return _ROW.format(claim.id, claim.says, WORDS[claim.verdict], fragile, claim.reason, claim.criterion)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _same(source: Path, target: Path) -> None:
    """The file at a second place, without a second copy where the file system can do that."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
