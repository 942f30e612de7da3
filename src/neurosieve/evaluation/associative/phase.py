"""Phase diagram of one-step retrieval: overlap over load alpha and entropy rho, the formula beside it.

A network of N spins holds K = round(alpha N^(P-1)) archetypes of the dataset, learned from M examples of quality r with
M = round((1 - r^2) / (rho r^2)), exact patterns for rho = 0. One row per replicate (the archetype that the update
starts from) at P, alpha, rho; overlap_theory, at the exact load and entropy, once.
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
from neurosieve.models.associative.theory import entropy, one_step


class Params(BaseModel):
    """The grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    replicates: int = Field(20, ge=2)
    """Archetypes from which the update starts."""
    networks: dict[int, tuple[int, tuple[float, ...]]] = {
        2: (1000, (0.02, 0.05, 0.1, 0.15, 0.2)),
        4: (60, (0.005, 0.01, 0.02, 0.05, 0.09)),
    }
    """By order P: spins N and the loads alpha."""
    entropies: tuple[float, ...] = (0.0, 0.15, 0.5, 1.0, 2.0)
    """Entropies rho of the data set."""
    quality: float = Field(0.2, gt=0, lt=1)
    """Quality r of the examples."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of the model's interaction order."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    order = system_of(view).params.order
    spins, loads = params.networks.get(order, (0, ()))
    for alpha, rho in product(loads, params.entropies):
        count = max(2, round(alpha * spins ** (order - 1)))
        patterns = archetypes(view, spins, count)
        sample = examples_of(params.quality, rho)
        couplings = learned(patterns, sample, np.random.default_rng([seed, count, sample[1]]))
        at: dict[str, object] = {"P": order, "alpha": alpha, "rho": rho}
        for number, overlap in enumerate(once(couplings, patterns[: params.replicates], order)):
            yield Measure("overlap", overlap, at=at, seed=number)
        theory = one_step(order, count / spins ** (order - 1), entropy(*sample))
        yield Measure("overlap_theory", theory, at=at, seed=0)
