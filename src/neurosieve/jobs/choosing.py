"""Choosing a step's parameters: run it for every candidate, judge each on validation rows, keep one by the rule.

best: the best value of the metric, the first of equals.
strongest-within: of the candidates that lose at most `margin` against the model before, the one that changed the
weights most. The judge is handed the retained validation rows and nothing else: labels of forgotten rows, test rows and
other models cannot move the choice. Strength is read off the candidate's weights, not off parameters' names: the sum
over all weights of min(|after - before| / |before|, 1). Where weights are multiplied by beta in [0, 1] that is the sum
of 1 - beta, the number of weights switched off. Ties go to the smaller value, parameter by parameter in alphabetical
order; of values that are no numbers, to the one listed first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.jobs.load import Verb, verb

ROUNDING = 1e-12
"""What the order of a sum may put between two shares that are equal."""
Made = Callable[[Mapping[str, Any], int], Model]
"""A candidate's parameters and number -> the model that the step makes with them."""


def choose(
    rule: Mapping[str, Any], made: Made, before: Model, data: Data, seed: int | None, say: Callable[..., None] = print
) -> tuple[dict[str, Any], pl.DataFrame]:
    """The chosen parameters, and the table of candidates; `say` hears each row of it.

    Raises UserError where the data have no rows to judge by, or no candidate stays within the margin.
    """
    judge = verb(rule["judge"]["use"], "evaluate", {})
    within = rule.get("rule") == "strongest-within"
    seen = _retained(data) if within else data
    start = _judged(judge, View(seen, before), rule, seed) if within else None
    rows: list[dict[str, Any]] = []
    for number, candidate in enumerate(_candidates(rule["among"])):
        model = made(candidate, number)
        row = {**candidate, rule["metric"]: _judged(judge, View(seen, model), rule, seed)}
        if start is not None:
            row |= _measured(before.system, model.system) | {"before": start}
            row["within"] = _loss(row, rule) <= rule["margin"] + ROUNDING
        rows.append(row)
        say({"candidate": len(rows), **row})
    return chosen(rule, rows), pl.DataFrame(rows)


def chosen(rule: Mapping[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The parameters that the rule keeps of a table of candidates. Raises UserError where it keeps none."""
    kept = _strongest(rows, rule) if rule.get("rule") == "strongest-within" else _best(rows, rule)
    return {name: kept[name] for name in rule["among"]}


def strength(before: Any, after: Any) -> float:
    """Sum over all weights of min(|after - before| / |before|, 1); a weight that left 0, or is gone, counts 1."""
    return float(_measured(before, after)["strength"])


def _measured(before: Any, after: Any) -> dict[str, float]:
    """Of two systems: the `strength` of the change, and how many weights are smaller or gone (`dampened`)."""
    total, smaller, left = 0.0, 0, dict(_weights(after))
    for name, old in _weights(before):
        new = left.get(name)
        if new is None or new.shape != old.shape:
            total, smaller = total + old.size, smaller + old.size
            continue
        moved = np.abs(new - old)
        share = np.divide(moved, np.abs(old), out=(moved > 0).astype(np.float64), where=old != 0)
        total += float(np.minimum(share, 1.0).sum())
        smaller += int((np.abs(new) < np.abs(old)).sum())
    return {"strength": total, "dampened": smaller}


def _weights(system: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Parameters of a network (its state's arrays of floats where it is none), in double precision, one by one."""
    if hasattr(system, "named_parameters"):
        for name, value in system.named_parameters():
            yield name, value.detach().to("cpu").double().numpy()
        return
    for name, value in system.state_dict().items():
        array = np.asarray(value)
        if array.dtype.kind == "f":
            yield name, array.astype(np.float64)


def _candidates(among: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*among.values()):
        yield dict(zip(among, values, strict=True))


def _retained(data: Data) -> Data:
    """The retained validation rows alone. Raises UserError where there are none."""
    if "validation" not in data.splits:
        raise UserError(
            f"choose: dataset {data.info.name} has no validation rows, which strongest-within looks at; give it a split"
            " 'validation'"
        )
    rows = data.part("all" if data.selection is None else "retain", "validation")
    if not len(rows):
        raise UserError(
            f"choose: every validation row of {data.info.name} is to be forgotten; none is left to judge by"
        )
    return Data(data.info, {"validation": rows})


def _judged(judge: Verb, view: View, rule: Mapping[str, Any], seed: int | None) -> float:
    measured = judge(view=view, params=judge.params, seed=seed)
    found = measured.filter((pl.col("metric") == rule["metric"]) & (pl.col("split") == rule["split"]))
    if len(found) != 1:
        raise UserError(
            f"choose: {rule['judge']['use']} gives no {rule['metric']} on split {rule['split']} of this dataset"
        )
    return float(found["value"][0])


def _sign(rule: Mapping[str, Any]) -> int:
    return -1 if rule["better"] == "lower" else 1


def _loss(row: Mapping[str, Any], rule: Mapping[str, Any]) -> float:
    """How much worse than the model before, in the metric's own unit."""
    return _sign(rule) * (row["before"] - row[rule["metric"]])


def _best(rows: list[dict[str, Any]], rule: Mapping[str, Any]) -> dict[str, Any]:
    return max(rows, key=lambda row: _sign(rule) * row[rule["metric"]])  # the first of equals


def _strongest(rows: list[dict[str, Any]], rule: Mapping[str, Any]) -> dict[str, Any]:
    passed = [row for row in rows if row["within"]]
    if not passed:
        nearest = min(rows, key=lambda row: _loss(row, rule))
        setting = ", ".join(f"{name} {nearest[name]}" for name in rule["among"])
        raise UserError(
            f"choose: none of {len(rows)} candidates keeps {rule['metric']} of retained validation rows within"
            f" {rule['margin']} of {nearest['before']:.4g}; the nearest, {setting}, has {nearest[rule['metric']]:.4g}:"
            " add weaker candidates (a larger alpha, fewer epochs), or a wider margin"
        )
    return min(passed, key=lambda row: (-row["strength"], *_place(row, rule["among"])))


def _place(row: Mapping[str, Any], among: Mapping[str, list[Any]]) -> tuple[float, ...]:
    """Where a candidate stands among equals."""
    return tuple(
        row[name] if all(isinstance(value, int | float) for value in among[name]) else among[name].index(row[name])
        for name in sorted(among)
    )
