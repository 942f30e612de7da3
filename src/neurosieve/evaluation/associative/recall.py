"""What a trained memory recalls of its dataset's test rows: right classes, overlaps and energies.

A retrieval starts from each test row and relaxes at temperature 0. accuracy is the share whose class has the largest
overlap; overlap the mean of n, the overlap with the row's own column (0 where the memory has none), over its root mean
square; hamiltonian the mean energy. Split test, and where the study forgets the test rows of both kinds, `forget` and
`retain`. On a target the same recall is run there, all spins at once in each step.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.evaluation.associative._memories import system_of
from neurosieve.models.associative.factor import Factor

VIEWS = ("forget", "retain")
TARGETS = True


class Params(BaseModel):
    """How much is recalled."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int = Field(300, ge=1)
    """Test rows, the first."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of one memory."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    system, rows = system_of(view), view.data.test
    rows = rows.take(np.arange(min(params.rows, len(rows))))
    if view.runtime is not None:
        overlaps, ends = view.runtime(rows.x), None
    else:
        ends = system.recall(system.spins(rows.x), np.random.default_rng(seed))
        overlaps = system.overlaps(ends)
    chosen = {"test": np.ones(len(rows), bool)}
    if view.data.selection is not None:
        gone = view.data.selection.mask(rows)
        chosen |= {"forget": gone, "retain": ~gone}
    for split, mask in chosen.items():
        if mask.any():
            yield from _rows(system, rows.take(mask), overlaps[mask], split)
            if ends is not None:
                energies = system.energies(ends[mask])
                yield Measure("hamiltonian", float(energies.mean()), split=split, n=int(mask.sum()))


def _rows(system: Factor, rows: Split, overlaps: np.ndarray, split: str) -> Iterator[Measure]:
    """From the overlaps with the columns [rows, K] at the end of a retrieval."""
    answers = system["classes"][overlaps.argmax(axis=1)]
    yield Measure("accuracy", float((answers == rows.y).mean()), split=split, n=len(rows))
    size = np.sqrt((system.couplings**2).mean())
    own = rows.y[:, None] == system["classes"]
    yield Measure("overlap", float((overlaps * own).sum(axis=1).mean() / size), split=split, n=len(rows))
