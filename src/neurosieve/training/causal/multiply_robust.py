"""The parametric multiply robust estimator, under right and wrong models of the nuisances (Sun et al. 2022).

One estimate per study and scenario. Where a nuisance's model is wrong, functions of one covariate that matters little
(v, v^2, e^v) stand for the covariates. Standard errors by the sandwich, or from `bootstrap` resamples of persons with
everything fitted again.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels.influence_function import weak
from neurosieve.models.causal.estimator import RIGHT
from neurosieve.models.causal.tables import Table, tables
from neurosieve.optim.multiply_robust import Features, fit, of_instrument, of_treatment, sandwich

Known = dict[tuple[str, bool], np.ndarray]


class Columns(BaseModel):
    """Covariates, by number, in the right model of each nuisance; none given: all of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    f: tuple[int, ...] | None = None
    """Of the instrument."""
    m: tuple[int, ...] | None = None
    """Of the treatment, beside the instrument."""
    beta: tuple[int, ...] | None = None
    """Of the effect; an empty list makes it constant."""
    omega: tuple[int, ...] | None = None
    """Of the outcome, beside the instrument."""
    eta: tuple[int, ...] | None = None
    """Of the confounding."""


class Params(BaseModel):
    """Models and standard errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    columns: Columns = Columns()
    """Covariates of the right models."""
    misread: int = Field(-1)
    """Covariate, by number, whose functions stand for all in a wrong model."""
    bootstrap: int = Field(0, ge=0)
    """Resamples for the standard error; 0: the sandwich."""
    weakest: float = Field(0.03, gt=0)
    """D below which a person counts as one whose treatment the instrument hardly varies; a fifth may be."""
    one_sided: bool = False
    """Nobody without the instrument can be treated; otherwise that cell must not be empty."""
    replicates: int | None = Field(None, ge=1)
    """Studies; all that the data hold if left out."""


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """Estimates and standard errors [studies, scenarios].

    Raises UserError where a cell of instrument and treatment is empty, the instrument does not change the variance of
    treatment enough, or the equations have no solution.
    """
    studies = tables(data.train, params.replicates)
    scenarios = model.system.params.scenarios or ("all-right",)
    found = np.zeros((2, len(studies), len(scenarios)))
    with log.timed("train_seconds"):
        for i, table in enumerate(studies):
            table.check_cells(params.one_sided)
            rng = np.random.default_rng([seed, i])
            known: Known = {}
            for j, scenario in enumerate(scenarios):
                found[:, i, j] = _estimate(table, scenario, params, rng, known)
    return model.with_(system=model.system.changed(estimate=found[0], error=found[1]))


def _estimate(
    table: Table, scenario: str, params: Params, rng: np.random.Generator, known: Known
) -> tuple[float, float]:
    """Estimate and standard error; logistic models that several scenarios share are fitted once (`known`)."""
    z, a, y = table.z, table.a, table.y
    wanted = features(table, scenario, params)
    try:
        fitted = fit(z, a, y, wanted, _logits(table, wanted, scenario, known))
        if (share := float(weak(fitted.treated, params.weakest))) > 0.2:
            raise UserError(
                f"causal.multiply_robust: the instrument does not change treatment variance enough: for {share:.0%} of"
                f" the persons by less than {params.weakest:g} or the other way"
            )
        if not params.bootstrap:
            return fitted.psi, sandwich(z, a, y, wanted, fitted)
        draws = (rng.integers(len(z), size=len(z)) for _ in range(params.bootstrap))
        again = [fit(z[rows], a[rows], y[rows], wanted.take(rows)).psi for rows in draws]
    except np.linalg.LinAlgError as error:
        raise UserError(
            f"causal.multiply_robust: the estimating equations have no single solution ({error}); drop covariates that"
            " are sums of others"
        ) from None
    return fitted.psi, float(np.std(again, ddof=1))


def _logits(table: Table, wanted: Features, scenario: str, known: Known) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of f and m."""
    f, m = (("f", "f" in RIGHT[scenario].split()), ("m", "m" in RIGHT[scenario].split()))
    if f not in known:
        known[f] = of_instrument(table.z, wanted)
    if m not in known:
        known[m] = of_treatment(table.z, table.a, wanted)
    return known[f], known[m]


def features(table: Table, scenario: str, params: Params) -> Features:
    """Features of every nuisance under a scenario, covariates scaled to mean 0 and variance 1."""
    right = RIGHT[scenario].split()
    scaled = _scaled(table.x)
    stray = table.x[:, params.misread]
    wrong = _scaled(np.column_stack([stray, stray**2, np.exp(stray)])) if len(right) < len(Features._fields) else scaled
    n = len(scaled)

    def of(name: str) -> np.ndarray:
        chosen = getattr(params.columns, name)
        columns = wrong if name not in right else scaled if chosen is None else scaled[:, list(chosen)]
        return np.hstack([np.ones((n, 1)), columns])

    def with_z(name: str) -> np.ndarray:
        return np.stack([np.hstack([np.full((n, 1), z), of(name)]) for z in (0.0, 1.0)])

    # among the only ones that can be treated the instrument is the same for all
    m = np.stack([of("m")] * 2) if params.one_sided else with_z("m")
    return Features(of("f"), m, of("beta"), with_z("omega"), of("eta"))


def _scaled(columns: np.ndarray) -> np.ndarray:
    spread = columns.std(axis=0)
    return (columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1)
