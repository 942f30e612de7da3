"""One update from an archetype against the signal-to-noise formula, in numbered cells (spec of arXiv 2212.00606).

Cells are numbered from 1 over networks (P, N, K) times samples (r, M), networks varying slowest; those of the model's
interaction order are computed, with fresh examples of the dataset's archetypes. overlap is the mean over the
first archetypes, overlap_standard_error that mean's, overlap_theory the formula; all at cell, P, K, M, r.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.evaluation.associative._memories import archetypes, learned, once, system_of
from neurosieve.models.associative.theory import entropy, one_step


class Params(BaseModel):
    """The cells."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    networks: tuple[tuple[int, int, int], ...] = ((2, 1000, 100), (2, 1000, 200), (4, 100, 20_000), (4, 60, 5_000))
    """Interaction order P, spins N, archetypes K."""
    samples: tuple[tuple[float, int], ...] = ((1.0, 1), (0.5, 20), (0.2, 50))
    """Quality r and number of examples M."""
    patterns: int = Field(20, ge=2)
    """Archetypes from which the update starts."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of the cells that fit the dataset: those whose memory has this model's order P."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    order = system_of(view).params.order
    for cell, ((p, spins, count), sample) in enumerate(product(params.networks, params.samples), 1):
        if p != order:
            continue
        patterns = archetypes(view, spins, count)
        couplings = learned(patterns, sample, np.random.default_rng([seed, cell]))
        overlaps = once(couplings, patterns[: params.patterns], order)
        at: dict[str, object] = {"cell": cell, "P": p, "K": count, "r": sample[0], "M": sample[1]}
        error = overlaps.std(ddof=1) / np.sqrt(len(overlaps))
        yield Measure("overlap", overlaps.mean(), at=at, n=len(overlaps))
        yield Measure("overlap_standard_error", error, at=at, n=len(overlaps))
        yield Measure("overlap_theory", one_step(p, count / spins ** (p - 1), entropy(*sample)), at=at)
