"""How many archetypes a memory holds: overlap after recall from a corrupted archetype, over K and P.

Exact patterns, temperature 0, permutation sweeps until nothing changes (at most `sweeps`). overlap and hamiltonian are
means over the first archetypes, at K and P.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.evaluation.associative._memories import archetypes, learned, system_of
from neurosieve.kernels import glauber


class Params(BaseModel):
    """The grid and the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    spins: int = Field(60, ge=2)
    """Spins N."""
    counts: tuple[int, ...] = (10, 60, 1000, 5000)
    """Archetypes K."""
    orders: tuple[int, ...] = (2, 4)
    """Interaction orders P."""
    corrupted: float = Field(0.05, ge=0, lt=0.5)
    """Share of the spins that are flipped at the start."""
    patterns: int = Field(20, ge=1)
    """Archetypes that are recalled."""
    sweeps: int = Field(30, ge=1)
    """Sweeps at most."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of every K and P."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    kind = system_of(view).params.sites
    for count, order in product(params.counts, params.orders):
        rng = np.random.default_rng([seed, count])  # both orders recall from the same starts
        patterns = archetypes(view, params.spins, count)
        couplings = learned(patterns, (1.0, 1), rng)
        wanted = patterns[: params.patterns].astype(np.float64)
        starts = corrupted(wanted, params.corrupted, rng)
        sites = glauber.sites(kind, (len(starts), params.sweeps, params.spins), rng)
        ends = glauber.relax(couplings, starts, order, 1.0, sites)
        at: dict[str, object] = {"K": count, "P": order}
        yield Measure("overlap", (ends * wanted).mean(), at=at, n=len(ends))
        energies = [glauber.energy(couplings, end, order, 1.0) for end in ends]
        yield Measure("hamiltonian", float(np.mean(energies)), at=at, n=len(ends))


def corrupted(states: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """States [rows, N] with exactly a share of the spins of each flipped."""
    flips = rng.permuted(np.broadcast_to(np.arange(states.shape[1]), states.shape), axis=1)
    return np.where(flips < round(share * states.shape[1]), -states, states)
