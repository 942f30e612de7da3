"""Runs of self-sorting arrays: error and detours under damage, clustering of mixed arrays (Zhang et al. 2024).

One run per array of the split test, the seed of its rows being the array's number, so that variants pair by array.
Arrays of one policy: `monotonicity_error`, `sortedness`, `displacement`, `swaps`, `comparisons` and
`delayed_gratification` at the end of a run, at `algorithm`, `kind` and `frozen`; `descents` along the run, at
`progress` too. Mixed arrays: `aggregation_peak`, `aggregation_final`, `monotonicity_error` and `swaps` at `pair` and
`values` (distinct, repeated: `duplicate`), `aggregation` along the run. With labels only, both policies of a pair are
run and the one with the higher mean peak stands for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.kernels import detours
from neurosieve.models.agents.sorting import CODES, Sorters

COURSE = np.linspace(0, 1, 11)
"""Shares of a run's swaps at which its course is written."""
NAMES = {code: name for name, code in CODES.items()}


class Params(BaseModel):
    """How many arrays are run."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    replicates: int = Field(100, ge=1)
    """Runs: the first arrays of the split test."""


class Boards(NamedTuple):
    """The arrays that are run, int64 [runs, cells]: distinct and repeated values, who breaks first, the types."""

    values: np.ndarray
    repeated: np.ndarray
    breaks: np.ndarray
    types: np.ndarray


class Ended(NamedTuple):
    """One run: descents and like neighbours after each swap [swaps], values by position [cells], values read."""

    errors: np.ndarray
    alike: np.ndarray
    values: np.ndarray
    reads: int


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of every run. Raises UserError where the arrays are fewer than the replicates."""
    rows = view.data.test
    if len(rows) < params.replicates:
        raise UserError(f"{params.replicates} replicates are asked for, but the data hold {len(rows)} arrays")
    if view.model is None or not isinstance(view.model.system, Sorters):
        raise UserError("evaluation self_sorting looks at models of agents.sorting")
    system = view.model.system
    boards = Boards(*(rows[name][: params.replicates].astype(np.int64) for name in Boards._fields))
    return frame(_mixed(system, boards, seed) if len(system["pairs"]) else _damaged(system, boards, seed))


def _damaged(system: Sorters, boards: Boards, seed: int) -> Iterator[Measure]:
    for policy, frozen in product(system["policies"].tolist(), system["frozen"].tolist()):
        runs: dict[bool, list[Ended]] = {}
        for movable in system["movable"].tolist():
            alike = bool(movable) or not frozen  # without damage both kinds are one run
            if alike not in runs:
                runs[alike] = _of_policy(system, boards, policy, frozen, alike, seed)
            kind = "movable" if movable else "immovable"
            at: dict[str, object] = {"algorithm": NAMES[policy], "kind": kind, "frozen": frozen}
            yield from _endings(runs[alike], at)
            yield from _along("descents", [run.errors for run in runs[alike]], at)


def _of_policy(system: Sorters, boards: Boards, policy: int, frozen: int, movable: bool, seed: int) -> list[Ended]:
    """Runs of arrays whose cells all follow one policy."""
    one = np.zeros(2, np.int64)
    draws = policy, frozen, int(movable)
    return [
        _run(system, values, one + policy, 0 * types, one, broken[:frozen], movable, [seed, run, *draws])
        for run, (values, broken, types) in enumerate(zip(boards.values, boards.breaks, boards.types, strict=True))
    ]


def _run(
    system: Sorters,
    values: np.ndarray,
    follow: np.ndarray,
    types: np.ndarray,
    down: np.ndarray,
    broken: np.ndarray,
    movable: bool,
    draws: list[int],
) -> Ended:
    """One run; cells of type 0 and 1 follow the policies `follow` [2], downwards where `down` [2] says so."""
    frozen = np.zeros_like(values)
    frozen[broken] = 1
    rng = np.random.default_rng(draws)
    errors, alike, cells, reads = system.run(values, follow[types], types, down[types], frozen, movable, rng)
    return Ended(errors, alike, values[cells], reads)


def _endings(runs: list[Ended], at: dict[str, object]) -> Iterator[Measure]:
    """What stands at the end of each run."""
    for seed, run in enumerate(runs):
        found = {
            "monotonicity_error": detours.descents(run.values),
            "sortedness": detours.sortedness(run.values) / 100,
            "displacement": detours.displacement(run.values),
            "delayed_gratification": detours.delayed_gratification(run.errors),
            "swaps": len(run.errors),
            "comparisons": run.reads,
        }
        for metric, value in found.items():
            yield Measure(metric, float(value), at=at, seed=seed)


def _along(metric: str, courses: list[np.ndarray], at: dict[str, object], scale: float = 1.0) -> Iterator[Measure]:
    """Mean course over the runs that swapped at all, at shares of each run's own swaps."""
    moved = [detours.course(one, COURSE) for one in courses if len(one)]
    for place, value in zip(COURSE, np.mean(moved, axis=0) if moved else [], strict=bool(moved)):
        yield Measure(metric, float(value) * scale, at={**at, "progress": f"{place:.1f}"}, seed=0, n=len(moved))


def _mixed(system: Sorters, boards: Boards, seed: int) -> Iterator[Measure]:
    for pair in system["pairs"]:
        for repeated, word in ((False, "distinct"), (True, "duplicate")):
            at: dict[str, object] = {"pair": "".join(NAMES[int(code)][0].upper() for code in pair), "values": word}
            runs = _of_pair(system, boards, pair, repeated, seed)
            n = boards.values.shape[1]
            for number, run in enumerate(runs):
                clusters = run.alike / n
                if len(clusters):
                    yield Measure("aggregation_peak", float(clusters.max()), at=at, seed=number)
                    yield Measure("aggregation_final", float(clusters[-1]), at=at, seed=number)
                yield Measure("monotonicity_error", float(detours.descents(run.values)), at=at, seed=number)
                yield Measure("swaps", float(len(run.errors)), at=at, seed=number)
            yield from _along("aggregation", [run.alike for run in runs], at, 1 / n)


def _of_pair(system: Sorters, boards: Boards, pair: np.ndarray, repeated: bool, seed: int) -> list[Ended]:
    """Runs of arrays of two types; with labels only, of the policy that clusters more."""
    if not system.params.labels_only:
        return _of_types(system, boards, pair, pair, repeated, seed)
    nulls = [_of_types(system, boards, np.full(2, code), pair, repeated, seed) for code in pair]
    return max(nulls, key=lambda runs: float(np.mean([run.alike.max(initial=0) for run in runs])))


def _of_types(
    system: Sorters, boards: Boards, follow: np.ndarray, pair: np.ndarray, repeated: bool, seed: int
) -> list[Ended]:
    """Runs in which the two types of cells follow two policies, or one."""
    arrays = boards.repeated if repeated else boards.values
    draws = (*follow.tolist(), *pair.tolist(), int(repeated))
    none = np.empty(0, np.int64)
    return [
        _run(system, values, follow, types, system["down"], none, True, [seed, run, *draws])
        for run, (values, types) in enumerate(zip(arrays, boards.types, strict=True))
    ]
