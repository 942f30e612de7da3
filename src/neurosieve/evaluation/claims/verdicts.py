"""Verdicts: what is concluded of each claim, as objects, as a table and in sum."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from neurosieve.evaluation.claims import statistics
from neurosieve.evaluation.claims.records import Record

Outcome = Literal["holds", "fails", "inconclusive", "not decided"]

SCHEMA = {
    "study": pl.String,
    "claim": pl.String,
    "verdict": pl.String,
    "strength": pl.String,
    "reason": pl.String,
    "estimate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "criterion": pl.String,
    "scale": pl.String,
    "seeds": pl.Int64,
    "hash": pl.String,
    "parts": pl.String,
}


@dataclass(frozen=True)
class Reported:
    """A quantity that is shown and not judged."""

    label: str
    value: float | None
    unit: str = ""
    seeds: tuple[int, ...] = ()
    seed_values: tuple[float, ...] = ()
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Verdict:
    """What is concluded of one claim, with all that decided it.

    `firm`: no deciding interval contains its threshold and no single seed or cell decides (None: neither holds
    nor fails). `luck`: chance of holding were every effect exactly on its threshold. `deciding` is the part of
    `parts` that the reason names.
    """

    study: str
    claim: str
    says: str
    paper: str
    verdict: Outcome
    firm: bool | None
    exact: bool
    reason: str
    criterion: str
    scale: str
    hash: str
    parts: tuple[Record, ...] = ()
    deciding: Record | None = None
    report: tuple[Reported, ...] = ()
    seeds: tuple[int, ...] = ()
    repaired: str | None = None
    luck: float | None = None
    p: float | None = None

    @property
    def strength(self) -> str:
        return {True: "firm", False: "fragile", None: ""}[self.firm]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = {name: value for name, value in vars(self).items() if name not in ("parts", "deciding", "report")}
        return {
            **plain,
            "seeds": list(self.seeds),
            "strength": self.strength,
            "parts": [part.as_dict() for part in self.parts],
            "deciding": None if self.deciding is None else self.deciding.as_dict(),
            "report": [one.as_dict() for one in self.report],
        }


def verdicts_frame(verdicts: list[Verdict]) -> pl.DataFrame:
    """One row per claim (SCHEMA); `estimate`, `low`, `high` are of the deciding compare, `parts` is JSON."""
    return pl.DataFrame([_row(verdict) for verdict in verdicts], schema=SCHEMA, orient="row")


def _row(verdict: Verdict) -> dict[str, Any]:
    deciding = verdict.deciding
    return {
        "study": verdict.study,
        "claim": verdict.claim,
        "verdict": verdict.verdict,
        "strength": verdict.strength,
        "reason": verdict.reason,
        "estimate": None if deciding is None else _estimate(deciding),
        "low": None if deciding is None else deciding.low,
        "high": None if deciding is None else deciding.high,
        "criterion": verdict.criterion,
        "scale": verdict.scale,
        "seeds": len(verdict.seeds),
        "hash": verdict.hash,
        "parts": json.dumps([part.as_dict() for part in verdict.parts], ensure_ascii=False, allow_nan=False),
    }


def _estimate(record: Record) -> float | None:
    """On the scale of the interval: left − right, left / right, or the ratio of the odds."""
    left, right = record.left, record.right
    if left is None or right is None or record.scale == "difference":
        return record.difference
    odds = (1 - right) / (1 - left) if record.scale == "odds" else 1.0
    return left / right * odds if right else None


def summary(verdicts: list[Verdict]) -> dict[str, Any]:
    """Counts, how many claims would hold by luck (exact ones apart), and q of the claims with a p.

    `luck` adds the chances of the claims that hold or fail; `luck_sd` takes them as independent.
    """
    counts = Counter(verdict.verdict for verdict in verdicts)
    judged = [verdict for verdict in verdicts if verdict.verdict in ("holds", "fails")]
    chances = np.array([verdict.luck for verdict in judged if not verdict.exact and verdict.luck is not None])
    holds = [verdict for verdict in judged if verdict.verdict == "holds"]
    tested = [verdict for verdict in judged if verdict.p is not None]
    q = statistics.benjamini_hochberg([float(verdict.p or 0) for verdict in tested]) if tested else []
    luck = float(chances.sum())
    firmly = sum(verdict.firm is True for verdict in holds)
    return {
        "claims": len(verdicts),
        "holds": counts["holds"],
        "fails": counts["fails"],
        "inconclusive": counts["inconclusive"],
        "not decided": counts["not decided"],
        "decided": len(judged),
        "firm": sum(verdict.firm is True for verdict in judged),
        "fragile": sum(verdict.firm is False for verdict in judged),
        "holds firmly": firmly,
        "exact": sum(verdict.exact for verdict in judged),
        "exact holds": sum(verdict.exact for verdict in holds),
        "luck": luck,
        "luck_sd": float(np.sqrt((chances * (1 - chances)).sum())),
        "q": {f"{one.study}/{one.claim}": value for one, value in zip(tested, q, strict=True)},
        "text": f"{len(holds)} of {len(judged)} hold, {firmly} of them firmly; "
        f"on the threshold {luck:.0f} would hold by luck.",
    }
