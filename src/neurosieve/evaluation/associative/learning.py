"""How many examples a memory must see at low load: overlap at equal entropy rho for several qualities r and orders P.

M = round((1 - r^2) / (rho r^2)) examples of quality r; one update of all spins from the archetype at temperature 0, or
sweeps until nothing changes. overlap is the mean over runs (fresh examples) and archetypes at P, r, rho; overlap_theory
the one-step formula at the exact entropy.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.evaluation.associative._memories import archetypes, examples_of, learned, once, system_of
from neurosieve.kernels import glauber
from neurosieve.models.associative.theory import entropy, one_step


class Params(BaseModel):
    """The grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    spins: int = Field(400, ge=2)
    """Spins N."""
    count: int = Field(2, ge=1)
    """Archetypes K."""
    orders: tuple[int, ...] = (2, 4)
    """Interaction orders P."""
    qualities: tuple[float, ...] = (0.1, 0.2, 0.4)
    """Qualities r."""
    entropies: tuple[float, ...] = (5.25, 2.63, 1.05, 0.525, 0.25)
    """Entropies rho."""
    runs: int = Field(100, ge=1)
    """Draws of the examples."""
    sweeps: int = Field(0, ge=0)
    """0: one update of all spins; else sweeps at most, until nothing changes."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of every P, r and rho."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    kind = system_of(view).params.sites
    patterns = archetypes(view, params.spins, params.count)
    for quality, rho in product(params.qualities, params.entropies):
        sample = examples_of(quality, rho)
        rng = np.random.default_rng([seed, sample[1]])
        drawn = [learned(patterns, sample, rng) for _ in range(params.runs)]
        for order in params.orders:
            at: dict[str, object] = {"P": order, "r": quality, "rho": rho}
            overlaps = [_overlap(couplings, patterns, order, params.sweeps, kind, rng) for couplings in drawn]
            yield Measure("overlap", float(np.mean(overlaps)), at=at, n=params.runs * params.count)
            load = params.count / params.spins ** (order - 1)
            if not params.sweeps:
                yield Measure("overlap_theory", one_step(order, load, entropy(*sample)), at=at)


def _overlap(
    couplings: np.ndarray, patterns: np.ndarray, order: int, sweeps: int, kind: str, rng: np.random.Generator
) -> float:
    if not sweeps:
        return float(once(couplings, patterns, order).mean())
    states = patterns.astype(np.float64)
    ends = glauber.relax(
        couplings, states, order, 1.0, glauber.sites(kind, (len(states), sweeps, states.shape[1]), rng)
    )
    return float((ends * states).mean())
