"""What was measured of a delivered model, and which of three outcomes it comes to; nothing here measures.

The outcomes of attacks are those of `neurosieve.evaluation.evidence.findings`. A model that no longer does its work
leaks nothing and proves nothing: it is refused, whatever the attacks say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import polars as pl

from neurosieve.errors import UserError
from neurosieve.plan.nodes import Cell
from neurosieve.report.questions import SILENT, WAYS, asks

ORDER = ("no trace", "not resolvable", "refused")
"""From the strongest to the weakest."""
TITLES = {"no trace": "No trace was found", "not resolvable": "Not resolvable", "refused": "Refused"}
OUTCOMES = {"no trace": "no trace", "not resolvable": "not resolvable", "trace found": "refused"}
"""What attacks conclude -> what the certificate comes to."""
PLACE = ("variant", "target", "seed")
"""Fields of a finding that say what was attacked, which the certificate says once."""
NO_EVIDENCE = "no attack was run: the study's evaluations lack `forgetting_evidence`"
WORK = ("accuracy", "rmse")
"""Metrics that say how good a model's answers are: of classes, of numbers."""
STAYS, FORGOTTEN = ("retain", "test"), ("forget",)
"""Splits whose accuracy says whether the model still works, and how it answers on the rows: the first measured one."""


def weakest(outcomes: Iterable[str]) -> str:
    """The weakest of several outcomes; of none, nothing is resolved."""
    return max(outcomes, key=ORDER.index, default="not resolvable")


def evidence(reading: Any, cell: Cell, before: Cell, beside: Cell | None, frame: pl.DataFrame) -> dict[str, Any]:
    """What was measured of one delivered file: attacks, accuracies, and the hashes of the metrics behind them.

    `before` and `beside` are the model before and the one trained without the rows, for comparison; `frame` are the
    study's collected metrics. Raises UserError when a measurement is of another model.
    """
    own = rows_of(frame, cell)
    strangers = set(own["model"].to_list()) - {cell.model}
    if strangers:
        where = f"{cell.variant}, seed {cell.seed}, {cell.target}"
        raise UserError(f"{where}: measured on model {strangers.pop()}, not on {cell.model}: no certificate; run again")
    files = [
        {"node": key, "name": reading.node(key).name, "sha256": digest}
        for key in sorted(cell.metrics)
        if (digest := reading.hashed(key).get("metrics.parquet"))
    ]
    compared = {"before": before, "after": cell, **({"retrained": beside} if beside else {})}
    beside_it = {name: rows_of(frame, one) for name, one in compared.items()}
    return {
        "target": cell.target,
        "files": files,
        "answers": {"stays": _answers(beside_it, STAYS), "forgotten": _answers(beside_it, FORGOTTEN)},
        "constant": bool(len(own.filter(pl.col("metric") == "constant_output", pl.col("value") > 0))),
    }


def judge(one: dict[str, Any], own: pl.DataFrame, loss: float, attempt: int) -> None:
    """Give a delivered file its outcome and say why. `own` are its rows; `attempt` shares the error level (from 1)."""
    one |= attacked(own, attempt)
    one["works"], lost = _works(one, loss)
    if one["works"] is None:
        one["remarks"].append("whether it still does its work was not measured")
    if one["works"] is False:
        one["outcome"] = "refused"
        one["remarks"].append(f"it no longer does its work, and then leaking nothing means nothing: {lost}")


def attacked(own: pl.DataFrame, attempt: int) -> dict[str, Any]:
    """What attacks found in one file, and how many retrained models they were held against; none: against chance.

    Where no attack decides, nothing is resolved.
    """
    from neurosieve.evaluation.evidence import NO_REFERENCE, conclusion, findings, remarks

    found = findings(own, attempt=attempt)
    models = own.filter(pl.col("metric") == "evidence_retrained")["value"].to_list()
    return {
        "held_against": int(max(models, default=0)),
        "attacks": [{name: value for name, value in asdict(one).items() if name not in PLACE} for one in found],
        "remarks": [*(one for one in remarks(own) if one != NO_REFERENCE), *([] if found else [NO_EVIDENCE])],
        "outcome": OUTCOMES[conclusion(found)] if found else "not resolvable",
    }


def counted(delivered: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many tests with a margin came to which outcome, and how many were `run`, over all delivered files."""
    files = [file for one in delivered for file in one["evidence"]]
    found = [attack["outcome"] or SILENT for file in files for attack in file["attacks"] if asks(attack)]
    return {"run": len(found), **{word: found.count(word) for word in (*WAYS, SILENT)}}


def _works(one: Mapping[str, Any], loss: float) -> tuple[bool | None, str]:
    """Whether a file still does its work on rows that stay; None where that was not measured."""
    if one["constant"]:
        return False, "its output is the same for every row"
    found = one["answers"]["stays"]
    if not found or "before" not in found or "after" not in found:
        return None, ""
    if found["metric"] == "accuracy":
        lost = found["before"] - found["after"]
        said = f"accuracy on rows that stay fell by {100 * lost:.1f} points"
    else:
        lost = found["after"] / found["before"] - 1 if found["before"] else float(found["after"] > 0)
        said = f"the error on rows that stay rose by {100 * lost:.1f} %"
    return lost <= loss, f"{said}, {100 * loss:.1f} were allowed"


def rows_of(frame: pl.DataFrame, cell: Cell) -> pl.DataFrame:
    """Rows of one cell, seeds and targets apart."""
    chosen = frame.filter(pl.col("variant") == cell.variant, pl.col("target") == cell.target)
    return chosen if cell.seed is None else chosen.filter(pl.col("seed") == cell.seed)


def _answers(frames: Mapping[str, pl.DataFrame], splits: Iterable[str]) -> dict[str, Any] | None:
    """Accuracy, or the error where the target is a number, on the first of the splits that was measured."""
    for metric in WORK:
        for split in splits:
            wanted = (pl.col("metric") == metric, pl.col("split") == split, pl.col("at") == "")
            found = {name: frame.filter(*wanted)["value"].to_list() for name, frame in frames.items()}
            known = {name: float(values[0]) for name, values in found.items() if values}
            if "after" in known:
                return {"metric": metric, "split": split, **known}
    return None
