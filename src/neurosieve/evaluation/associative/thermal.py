"""A memory at a temperature: Monte Carlo, or the mean-field (Plefka) iteration in its place; overlap and seconds, at T.

Both start at the first archetype of the same network, learned from M examples of quality r, H divided by R^(P/2). Monte
Carlo averages the overlap over sweeps; the iteration gives it directly. wall_seconds is the median of several runs
after a first one that is not timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.evaluation.associative._memories import archetypes, learned, system_of
from neurosieve.kernels import glauber, mean_field
from neurosieve.models.associative.theory import low_load, second_moment


class Params(BaseModel):
    """Network, temperatures and method."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    method: Literal["monte_carlo", "plefka"] = "monte_carlo"
    """monte_carlo: Glauber dynamics; plefka: the mean-field iteration, at second order for P = 2."""
    spins: int = Field(100, ge=2)
    """Spins N."""
    count: int = Field(500, ge=1)
    """Archetypes K."""
    quality: float = Field(0.5, gt=0, le=1)
    """Quality r."""
    examples: int = Field(20, ge=1)
    """Examples M of each archetype."""
    temperatures: tuple[float, ...] = (0.1, 0.3)
    """Temperatures T."""
    sweeps: int = Field(200, ge=1)
    """Sweeps over which Monte Carlo averages."""
    damping: float = Field(0.5, ge=0, lt=1)
    """Share of the old magnetisation in each iteration."""
    tolerance: float = Field(1e-6, gt=0)
    """The iteration stops when no magnetisation moves by more."""
    most: int = Field(500, ge=1)
    """Iterations at most."""
    parallel: bool = False
    """All magnetisations move together instead of one after the other."""
    repeats: int = Field(5, ge=1)
    """Timed runs."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of every temperature."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    system = system_of(view)
    patterns = archetypes(view, params.spins, params.count)
    sample = params.quality, params.examples
    couplings = learned(patterns, sample, np.random.default_rng([seed, params.count]))
    order, start = system.params.order, patterns[0].astype(np.float64)
    scale = second_moment(*sample) ** (-order / 2)
    for temperature in params.temperatures:
        if params.method == "plefka":
            run = _plefka(couplings, start, order, scale, 1 / temperature, params)
        else:
            rng = np.random.default_rng([seed, round(1000 * temperature)])
            run = _monte_carlo(couplings, start, order, scale, 1 / temperature, params, system.params.sites, rng)
        overlap, seconds = _timed(run, params.repeats)
        at: dict[str, object] = {"T": f"{temperature:g}"}
        yield Measure("overlap", overlap, at=at)
        yield Measure("overlap_theory", low_load(order, *sample, scale / temperature)[1], at=at)
        yield Measure("wall_seconds", seconds, at=at, timing=True)


def _plefka(
    couplings: np.ndarray, start: np.ndarray, order: int, scale: float, beta: float, params: Params
) -> Callable[[], float]:
    def run() -> float:
        x, _ = mean_field.iterate(
            couplings, start, order, scale, beta, params.damping, params.tolerance, params.most,
            not params.parallel, order == 2,
        )  # fmt: skip
        return float(x @ start) / len(start)

    return run


def _monte_carlo(
    couplings: np.ndarray, start: np.ndarray, order: int, scale: float, beta: float, params: Params, kind: str,
    rng: np.random.Generator,
) -> Callable[[], float]:  # fmt: skip
    shape = params.sweeps, len(start)
    sites, draws = glauber.sites(kind, shape, rng), rng.random(shape)

    def run() -> float:
        states, _ = glauber.run(couplings, start, order, scale, beta, sites, draws)
        return float((states @ start).mean()) / len(start)

    return run


def _timed(run: Callable[[], float], repeats: int) -> tuple[float, float]:
    """What a run gives, and the median of its wall seconds."""
    found, seconds = run(), []
    for _ in range(repeats):
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    return found, float(np.median(seconds))
