"""What attacks on a model say together: no trace, not resolvable, or trace found.

Reads the rows that `evaluation.forgetting_evidence` wrote. An attack says *no trace* when its interval lies inside the
margin about the null, *trace found* when it lies outside, and *not resolvable* otherwise, each at an error level shared
over the attacks (Holm 1979, of both kinds of finding) and over all attempts at the same request: attempt k, refused
ones counted, may spend error 6 / (pi k)^2, which sums to the error however many follow. An attack that tells nothing
of the model before either has shown no power: it may find a trace, but its silence decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl

from neurosieve.errors import UserError

Outcome = Literal["no trace", "not resolvable", "trace found"]
TITLES: dict[Outcome, str] = {
    "no trace": "no trace was found",
    "not resolvable": "not resolvable",
    "trace found": "refused",
}
"""Outcome -> the certificate's title."""
WORST: tuple[Outcome, ...] = ("trace found", "not resolvable", "no trace")
MODELS = ("u-lira", "u-lira-offline", "class", "detectability", "relearning", "klom")
"""Attacks whose units are models; those of the others are rows."""
MEANINGS = {
    "loss": "rows ranked by the loss of their label",
    "entropy": "rows ranked by the entropy of the answer",
    "u-lira": "likelihood ratio of unlearned to retrained models",
    "u-lira-offline": "likelihood under retrained models alone, one-sided and weaker",
    "class": "answers to rows of the forgotten class, among the classes retained",
    "detectability": "answers to other rows, among the classes retained",
    "relearning": "steps until the rows are known again",
    "klom": "divergence of the margins from those of retrained models",
    "outputs": "distance of the answers from those of retrained models",
    "weights": "distance of the weights from the model before",
}
NO_REFERENCE = "no retrained reference: cannot say whether it behaves as if never trained"
POWERLESS = 0.05
"""Error above which an attack on the model before counts as having found nothing."""


@dataclass(frozen=True)
class Finding:
    """One attack on one model.

    `estimate` with its 95 % interval `low`, `high` (before any correction), the null's range, the `margin` about its
    middle that was fixed beforehand (None: reported beside the others, decides nothing), `n` units, the error `level`
    it was decided at. `before` is the same attack on the model before forgetting. `half_width` is about the smallest
    distance of an AUC that so many units resolve (0.57 / sqrt(n) beside many others); `smallest_fpr` the smallest
    false-positive rate, 1 / n of the units without a trace.
    """

    variant: str
    target: str
    seed: int | None
    attack: str
    outcome: Outcome | None
    estimate: float
    low: float
    high: float
    null_low: float | None
    null_high: float | None
    margin: float | None
    n: int
    unit: Literal["rows", "models"]
    before: float | None
    half_width: float
    smallest_fpr: float
    level: float
    why: str


def findings(frame: pl.DataFrame, *, error: float = 0.05, attempt: int = 1) -> list[Finding]:
    """One finding per variant, target, seed and attack of the frame; rows of other metrics are left aside.

    `error` is what all attempts may spend together, `attempt` counts from 1. Raises UserError where either is out of
    range.
    """
    if not 0 < error < 1 or attempt < 1:
        raise UserError(f"error {error} must lie between 0 and 1, and attempts count from 1 (got {attempt})")
    found: dict[tuple[str, str, int | None], dict[str, dict[str, float]]] = {}
    for row in _filled(frame).filter(pl.col("metric").str.starts_with("evidence_")).iter_rows(named=True):
        at = dict(part.split("=", 1) for part in row["at"].split(",") if part)
        if set(at) == {"attack"}:
            attacks = found.setdefault((row["variant"], row["target"], row["seed"]), {})
            attacks.setdefault(at["attack"], {"n": row["n"]})[row["metric"].removeprefix("evidence_")] = row["value"]
    spent = error * 6 / (math.pi * attempt) ** 2
    known = {key: {name: one for name, one in attacks.items() if "estimate" in one} for key, attacks in found.items()}
    return [finding for key, attacks in known.items() for finding in _decided(key, attacks, spent)]


def conclusion(found: Sequence[Finding]) -> Outcome:
    """The worst outcome of several attacks; not resolvable where none decides. Raises UserError for no attack."""
    if not found:
        raise UserError("no attack was run: nothing can be concluded")
    outcomes = {finding.outcome for finding in found}
    return next((outcome for outcome in WORST if outcome in outcomes), "not resolvable")


def remarks(frame: pl.DataFrame) -> list[str]:
    """What must be said beside the findings: references, copies, a model that did not change; the same line once."""
    told: dict[str, None] = {}
    rows = _filled(frame).filter(pl.col("metric").str.starts_with("evidence_") & (pl.col("at") == ""))
    for _, group in rows.group_by("variant", "target", "seed", maintain_order=True):
        value = dict(zip(group["metric"].str.strip_prefix("evidence_"), group["value"], strict=True))
        size = int(group["n"].max() or 0)  # pyrefly: ignore[bad-argument-type]
        told |= dict.fromkeys(_remarks(value, size))
    others = _filled(frame).filter(pl.col("metric") == "evidence_others", pl.col("at") == "attack=loss")
    told |= {_smallest_rate(int(count)): None for count in others["value"].unique(maintain_order=True)}
    for at in _filled(frame).filter(pl.col("metric") == "evidence_invalid")["at"].unique(maintain_order=True):
        name = at.removeprefix("attack=")
        told[f"{name} shows nothing: retrained models relearn no later than the model before"] = None
    return list(told)


def _remarks(value: dict[str, float], rows: int) -> list[str]:
    lines = []
    if "retrained" in value:
        retrained, unlearned = int(value["retrained"]), int(value.get("unlearned", 0))
        if not retrained:
            lines.append(NO_REFERENCE)
            lines.append(
                "without retraining, attacks compare forgotten rows with rows never trained on: they are weak, do"
                " not see what a model still knows of a whole class, and hold only if those rows are alike"
            )
        elif not unlearned:
            lines.append(f"{retrained} retrained models: their spread is the null; no shadow models that unlearned")
        else:
            lines.append(f"{unlearned} shadow models that unlearned and {retrained} retrained ones, of fresh seeds")
    if value.get("copies") or value.get("near_copies"):
        exact, near = int(value.get("copies", 0)), int(value.get("near_copies", 0))
        lines.append(
            f"{exact} of {rows} rows have an exact copy and {near} a near-duplicate among retained rows: their"
            " influence stays"
        )
    if value.get("unchanged"):
        lines.append("the rows to forget are answered as before")
    return lines


def _smallest_rate(others: int) -> str:
    """What so few rows cannot show of an attack that must seldom be wrong."""
    rate = 1 / others
    rare = "; a true-positive rate at a false-positive rate of 0.1 % is not resolvable" if rate > 0.001 else ""
    return f"{others} rows never trained on resolve false-positive rates down to {100 * rate:.1f} %{rare}"


def _decided(key: tuple[str, str, int | None], attacks: dict[str, dict[str, float]], spent: float) -> list[Finding]:
    """The findings of one model, at an error shared over the attacks that decide."""
    deciding = [name for name, one in attacks.items() if "margin" in one]
    silent = {name for name, one in attacks.items() if one.get("before_p", 0) > POWERLESS}
    traces = _holm({name: attacks[name]["outside_p"] for name in deciding}, spent)
    clean = _holm({name: attacks[name]["inside_p"] for name in deciding if name not in silent}, spent)
    made = []
    for name, one in attacks.items():
        outcome: Outcome | None = None
        level = spent / max(len(deciding), 1)
        if name in traces:
            outcome, level = "trace found", traces[name]
        elif name in clean:
            outcome, level = "no trace", clean[name]
        elif name in deciding and name not in silent:
            outcome = "not resolvable"
        made.append(_finding(key, name, one, outcome, level))
    return made


def _holm(errors: dict[str, float], spent: float) -> dict[str, float]:
    """Names that pass Holm's step-down at the error, with the level each was held to."""
    passed: dict[str, float] = {}
    for k, name in enumerate(sorted(errors, key=errors.__getitem__)):
        level = spent / (len(errors) - k)
        if errors[name] > level:
            break
        passed[name] = level
    return passed


def _finding(
    key: tuple[str, str, int | None], name: str, one: dict[str, float], outcome: Outcome | None, level: float
) -> Finding:
    n = int(one["n"])
    unit: Literal["rows", "models"] = "models" if name in MODELS else "rows"
    unwhy = Finding(
        *key, name, outcome, one["estimate"], one["low"], one["high"], one.get("null_low"), one.get("null_high"),
        one.get("margin"), n, unit, one.get("before"), one.get("resolves", 0.57 / n**0.5),
        1 / int(one.get("others", n)), level, "",
    )  # fmt: skip
    return replace(unwhy, why=_why(unwhy))


def _why(found: Finding) -> str:
    """One sentence: what was measured, beside what, and why the outcome follows."""
    shown = f"{MEANINGS.get(found.attack, found.attack)}: {found.estimate:.2f} [{found.low:.2f}, {found.high:.2f}]"
    if found.null_low is None or found.null_high is None:
        return f"{shown}; reported, decides nothing"
    null = f"{found.null_low:.2f}"
    null += f" to {found.null_high:.2f}" if found.null_high - found.null_low >= 0.005 else ""
    text = f"{shown}; without a trace {null}"
    if found.outcome is None and found.margin is not None:
        return f"{text}; the attack finds nothing in the model before either ({found.before:.2f}): it decides nothing"
    if found.outcome is None:
        return f"{text}; reported, decides nothing"
    if found.outcome == "no trace":
        return f"{text}; within {found.margin:g} of it"
    if found.outcome == "trace found" and found.unit == "models":
        return f"{text}; unlearned models are told from retrained ones"
    if found.outcome == "trace found":
        middle = (found.null_low + found.null_high) / 2
        over = found.estimate < middle
        return f"{text}; {'less than in a model that never saw the rows: their absence shows' if over else 'more'}"
    return f"{text}; {found.n} {found.unit} resolve ±{found.half_width:.2f} at best, the margin is {found.margin:g}"


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with empty text for a variant and target that the node does not name."""
    return frame.with_columns(pl.col("variant", "target", "at").fill_null(""))
