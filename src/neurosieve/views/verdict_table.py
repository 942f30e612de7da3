"""The closing table in the terminal: verdicts of the studies' claims, what was not drawn, and where the page is."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from neurosieve.plan.project import Project
from neurosieve.views.written import WARNINGS

COLOURS = {"holds": "green", "fails": "red", "inconclusive": "yellow", "not decided": "dim"}
SIGNS = {"holds": "✓", "fails": "✗", "inconclusive": "◐", "not decided": "–"}


def verdict_table(project: Project, studies: Sequence[str]) -> None:
    """Print one row per claim. A study whose verdict was not computed is named with the command that does."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table("claim", "verdict", "", "what decided it", box=None, pad_edge=False, header_style="bold")
    waiting = []
    for slug, plan in project.plans(studies or None).items():
        folder = plan.nodes[plan.verdict].folder
        if not project.store.exists(folder):
            waiting.append(slug)
            continue
        rows = pl.read_parquet(project.store.path(folder) / "verdicts.parquet")
        for row in rows.iter_rows(named=True):
            colour = COLOURS[row["verdict"]]
            verdict = f"[{colour}]{SIGNS[row['verdict']]} {row['verdict']}[/]"
            table.add_row(f"{slug} {row['claim']}", verdict, row["strength"] or "", escape(row["reason"]))
    if table.row_count:
        console.print(table)
    for slug in waiting:
        console.print(f"{slug} ({project.scale}): not computed; `snakemake {slug}` computes it")
    page = project.store.results / "report" / "index.html"
    if (warnings := page.with_name(WARNINGS)).exists():
        for line in warnings.read_text().splitlines():
            console.print(f"[yellow]warning:[/] {escape(line)}", soft_wrap=True)
    if page.exists():
        console.print(f"page: {page}", soft_wrap=True)
