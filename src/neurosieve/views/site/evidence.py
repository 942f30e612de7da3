"""Evidence of a study as the view model holds it: per model, every attack and what they say together."""

from __future__ import annotations

from itertools import groupby

import polars as pl

from neurosieve.evaluation.evidence import Finding, conclusion, findings, remarks
from neurosieve.report import state as page


def evidence(metrics: pl.DataFrame | None) -> tuple[page.Evidence, ...]:
    """One entry per variant, target and seed that was attacked; none without such rows."""
    if metrics is None:
        return ()
    rows = metrics.filter(pl.col("metric").str.starts_with("evidence_"))
    made = []
    for (variant, target, seed), group in groupby(findings(rows), key=_model):
        found = list(group)
        own = rows.filter(pl.col("variant") == variant, pl.col("target") == target, pl.col("seed").eq_missing(seed))
        made.append(
            page.Evidence(
                variant=variant,
                target=target,
                seed=seed,
                outcome=conclusion(found),
                attacks=tuple(_attack(one) for one in found),
                remarks=tuple(remarks(own)),
            )
        )
    return tuple(made)


def _model(found: Finding) -> tuple[str, str, int | None]:
    return found.variant, found.target, found.seed


def _attack(found: Finding) -> page.Attack:
    return page.Attack(
        name=found.attack, outcome=found.outcome, estimate=found.estimate, low=found.low, high=found.high,
        null_low=found.null_low, null_high=found.null_high, margin=found.margin, n=found.n, unit=found.unit,
        half_width=found.half_width, smallest_fpr=found.smallest_fpr, why=found.why,
    )  # fmt: skip
