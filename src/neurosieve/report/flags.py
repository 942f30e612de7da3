"""What must not be read as success: a step that changed nothing, a visible absence, a network that lost its input."""

from __future__ import annotations

import math
from collections.abc import Iterator

from neurosieve.report import rows
from neurosieve.report.numbers import interval
from neurosieve.report.state import MetricRow, StudyState

VISIBLE = 0.05
"""How far below 0.5 an attack's AUC says that the absence itself is visible, where its interval stays below 0.5."""


def flags(study: StudyState) -> list[str]:
    """Sentences on variants whose metrics are not what they seem, the study's own order; none at smoke scale."""
    if study.scale == "smoke":
        return []
    return list(dict.fromkeys(text for row in study.metrics for text in _of(study, row)))


def _of(study: StudyState, row: MetricRow) -> Iterator[str]:
    where = row.variant + ("" if row.target == rows.NATIVE else f" on {row.target}")
    values = list(row.values.values())
    meant = "unlearn" in study.chains.get(rows.parse_point(row.variant).variant, ())
    if row.metric == "forget_unchanged" and meant and values and min(values) >= 1:
        yield f"{where}: the forget rows behave as before; the step changed nothing that shows."
    if row.metric == "attack_auc" and values and row.mean < 0.5 - VISIBLE and _highest(row) < 0.5:
        yield f"{where}: its absence is visible; an attack tells the forgotten rows by how badly they are answered."
    if row.metric == "constant_output" and any(values):
        yield f"{where}: the output is the same for every row; its accuracy means nothing."
    if row.metric == "layers_empty" and any(values):
        yield f"{where}: pruning left up to {max(values):.0f} layers without a weight."


def _highest(row: MetricRow) -> float:
    """Upper end of an AUC's 95 % interval over the seeds; of few seeds 0.57 / √n, that of one AUC over n rows."""
    ends = interval(row.values.values())
    return ends[1] if ends else row.mean + (0.57 / math.sqrt(row.n) if row.n else 0.0)
