"""Deciding the claims of a study: missing data, control, criterion, the inconclusive case, in this order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims import walk
from neurosieve.evaluation.claims.criteria import Evaluator, Node
from neurosieve.evaluation.claims.evidence import metric_of
from neurosieve.evaluation.claims.grammar import Claim, claim_hash
from neurosieve.evaluation.claims.grid import SMOKE, Grid
from neurosieve.evaluation.claims.labels import criterion_label, quantity_label
from neurosieve.evaluation.claims.quantities import Resolver
from neurosieve.evaluation.claims.records import Record
from neurosieve.evaluation.claims.scope import Binding, Data, Scope
from neurosieve.evaluation.claims.table import Items, Table, Undecided
from neurosieve.evaluation.claims.verdicts import Outcome, Reported, Verdict, summary, verdicts_frame

__all__ = ["Verdict", "decide", "summary", "verdicts_frame"]


def decide(
    study: str,
    claims: Sequence[Claim],
    metrics: pl.DataFrame,
    *,
    items: pl.DataFrame | None,
    grid: Grid,
    scale: str,
    absent: Mapping[str, str] | None = None,
    evaluation_params: Mapping[str, Any] | None = None,
) -> list[Verdict]:
    """The verdict on every claim, in order. Data never raise: what they lack is a verdict with its reason.

    `metrics`: study, variant, target, seed, scale, metric, split, at, value, unit, n, model, timings among them;
    `items`: the same with `item` in place of `n`, or None. `absent`: what the study declares it does not compute,
    with reasons. `evaluation_params`: parameters of the evaluations, for the hashes.
    """
    # Values beyond the range of floats become inf or NaN, and those are looked for wherever one decides.
    with np.errstate(all="ignore"):
        session = Session(study, claims, metrics, items, grid, scale, absent or {}, evaluation_params or {})
        return [session.verdict(claim.id) for claim in claims]


class Session:
    """The claims of one study at one scale, each decided once."""

    def __init__(
        self,
        study: str,
        claims: Sequence[Claim],
        metrics: pl.DataFrame,
        items: pl.DataFrame | None,
        grid: Grid,
        scale: str,
        absent: Mapping[str, str],
        evaluation_params: Mapping[str, Any],
    ) -> None:
        self.study = study
        self.scale = scale
        self.claims = {claim.id: claim for claim in claims}
        self.evaluation_params = evaluation_params
        self.grid = grid
        self.data = Data(Table(metrics, study, scale, grid), Items(items, study, scale), absent)
        self._verdicts: dict[str, Verdict] = {}

    def verdict(self, claim_id: str) -> Verdict:
        if claim_id not in self._verdicts:
            self._verdicts[claim_id] = self._decide(self.claims[claim_id])
        return self._verdicts[claim_id]

    def _decide(self, claim: Claim) -> Verdict:
        if self.scale == SMOKE:
            return self._verdict(claim, "not decided", "smoke scale: mechanics only", [])
        if self.data.table.empty and claim.variants:
            return self._verdict(claim, "not decided", f"nothing was measured at scale {self.scale}", [])
        few = [len(self.grid.variants[name].seeds) for name in claim.variants if name in self.grid.variants]
        if "seeds" in self.data.absent and any(0 < count < claim.min_seeds for count in few):
            return self._verdict(claim, "not decided", self.data.absent["seeds"], [])
        evaluator = Evaluator(self.data, self._claim_node, f"{self.study}/{claim.id}")
        binding = Binding(at=claim.at)
        requires = None if claim.requires is None else evaluator.judge(claim.requires, binding, ("requires",))
        criterion = evaluator.judge(claim.criterion, binding, ("criterion",))
        judged = [node for node in (requires, criterion) if node is not None]
        for node in judged:
            if node.missing:
                return self._verdict(claim, "not decided", node.missing, judged)
        seeds = min((count for node in judged for count in node.replicates), default=claim.min_seeds)
        if seeds < claim.min_seeds:
            reason = f"{_seeds(seeds)}, and the claim needs {claim.min_seeds}"
            return self._verdict(claim, "inconclusive", reason, judged)
        if requires is not None and requires.value is not True:
            why = _weakest(requires, False).text if requires.value is False and requires.records else requires.reason
            return self._verdict(claim, "inconclusive", f"the control does not hold: {why}", judged)
        return self._by_criterion(claim, criterion, judged, evaluator, binding)

    def _by_criterion(
        self, claim: Claim, criterion: Node, judged: list[Node], evaluator: Evaluator, binding: Binding
    ) -> Verdict:
        if criterion.value is None:
            return self._verdict(claim, "inconclusive", criterion.reason, judged)
        if criterion.value:
            return self._verdict(claim, "holds", "", judged)
        if claim.inconclusive_if is not None:
            node = evaluator.judge(claim.inconclusive_if, binding, ("inconclusive_if",))
            judged = [*judged, node]
            if node.missing:
                return self._verdict(claim, "not decided", node.missing, judged)
            if node.value is not False:
                why = _weakest(node, True).text if node.value and node.records else node.reason
                reason = f"the criterion does not hold, and what makes it inconclusive does: {why}"
                return self._verdict(claim, "inconclusive", reason, judged)
        return self._verdict(claim, "fails", "", judged)

    def _verdict(self, claim: Claim, outcome: Outcome, reason: str, judged: list[Node]) -> Verdict:
        criterion = next((node for node in judged if not _controls(node)), None)
        decided = outcome in ("holds", "fails") and criterion is not None
        records = tuple(record for node in judged for record in node.records)
        firm, deciding = None, None
        if decided and criterion is not None:
            hinges = not claim.exact and criterion.hinges()
            firm = criterion.sure is criterion.value and not hinges
            if claim.exact:
                firm = not any(record.uncertain and record.low is not None for record in criterion.records)
            deciding = _weakest(criterion, bool(criterion.value)) if criterion.records else None
            reason = _sentence(outcome, criterion, deciding, hinges)
        return Verdict(
            study=self.study,
            claim=claim.id,
            says=claim.says,
            paper=claim.paper,
            verdict=outcome,
            firm=firm,
            exact=claim.exact,
            reason=reason,
            criterion=criterion_label(claim.criterion),
            scale=self.scale,
            hash=claim_hash(claim, self.evaluation_params),
            parts=records,
            deciding=deciding,
            report=() if self.scale == SMOKE else tuple(self._reported(claim)),
            seeds=tuple(sorted({seed for record in records for seed in record.seeds})),
            repaired=claim.repaired,
            luck=criterion.luck if decided and criterion is not None else None,
            p=criterion.p if decided and criterion is not None else None,
        )

    def _claim_node(self, claim_id: str) -> Node:
        """Another claim as a part: it holds or not, firmly or not."""
        verdict = self.verdict(claim_id)
        value = {"holds": True, "fails": False}.get(verdict.verdict)
        reason = f"claim {claim_id} {verdict.verdict}"
        if value is None:
            reason = f"claim {claim_id} is {verdict.verdict}: {verdict.reason}"
        record = Record(f"claim {claim_id}", "holds", "", holds=value, uncertain=verdict.firm is False, reason=reason)
        return Node(
            value=value,
            sure=value if verdict.firm else None,
            luck=0.5 if verdict.luck is None else verdict.luck,
            p=verdict.p,
            records=(record,),
            missing=reason if verdict.verdict == "not decided" else "",
            reason=reason if value is None else "",
        )

    def _reported(self, claim: Claim) -> list[Reported]:
        return [self._report(quantity, Binding(at=claim.at)) for quantity in claim.report]

    def _report(self, quantity: Any, binding: Binding) -> Reported:
        """A reported quantity, or why it has no value; it never decides."""
        label = quantity_label(quantity)
        unit = vocabulary.unit(metric_of(quantity, {})) if hasattr(quantity, "metric") else ""
        table = self.data.table
        try:
            resolver = Resolver(Scope(self.data, binding, [leaf for _, leaf in walk.quantity_leaves(quantity)]))
            expression = resolver.resolve(quantity)
            value = resolver.value(expression)
            drawn = [cell for cell, _ in expression.cells() if not table.fixed(cell)]
            shared = [set(table.values(cell)) for cell in drawn]
            seeds = tuple(sorted(set.intersection(*shared))) if shared else ()
            rows = expression.rows(lambda cell: np.array([table.value_at(cell, seed) for seed in seeds]))
        except Undecided as reason:
            return Reported(label, None, unit, reason=str(reason))
        values = tuple(np.broadcast_to(rows, (len(seeds),)).tolist()) if seeds else ()
        return Reported(label, value, unit, seeds, values)


def _controls(node: Node) -> bool:
    return bool(node.records) and node.records[0].path.startswith(("requires", "inconclusive_if"))


def _weakest(node: Node, value: bool) -> Record:
    """The record that decides: of those on the side of the outcome, the one nearest to its threshold."""
    same = [record for record in node.records if record.holds is value] or list(node.records)
    return min(same, key=_distance)


def _distance(record: Record) -> float:
    """Distance from the threshold in half-widths of the interval; without one, relative to the values."""
    if record.difference is None or record.left is None or record.right is None:
        return float("inf")
    gap = abs(abs(record.difference) - (record.margin or 0))
    if record.low is not None and record.high is not None and record.high > record.low and record.scale == "difference":
        return gap / ((record.high - record.low) / 2)
    return 1e3 * gap / (abs(record.left) + abs(record.right) + 1e-300)


def _sentence(outcome: str, criterion: Node, deciding: Record | None, hinges: bool) -> str:
    """One sentence on what decided."""
    several = len(criterion.records) > 1
    if deciding is None:
        return f"the criterion {outcome}"
    lead = ("nearest to failing: " if outcome == "holds" else "failing: ") if several else ""
    text = f"{lead}{deciding.text}" if deciding.left is not None else f"{lead}{deciding.reason or deciding.label}"
    if deciding.passing is not None and len(deciding.seeds) > 1:
        text += f", {deciding.passing} of {deciding.n} seeds"
    if hinges:
        text += "; one seed or cell changing sides would change the verdict"
    return text


def _seeds(count: int) -> str:
    return f"{count} seed" if count == 1 else f"{count} seeds"
