"""Debiased machine learning of the average effect with an invalid instrument, over a library of learners (Sun et al.).

Every learner of the library is fitted in every nuisance role, out of fold: f of the instrument, m of the treatment, g
of the outcome. From these fits alone come the estimates of all triples (learner of f, of m in the leading factor, of
the outcome side with its own m). Predictions are clipped before anything is made of them. A person's fold depends on
that person (its `sample_id`), seed and split alone, so that leaving others out leaves it where it was.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.kernels import influence_function as pieces
from neurosieve.kernels.plugin_grid import averages, over_splits
from neurosieve.models.causal import learners
from neurosieve.models.causal.tables import Table, tables


class Params(BaseModel):
    """Folds, splits and clips."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    folds: int = Field(2, ge=2)
    """Parts that a split has; each is predicted by what is fitted to the others."""
    splits: int = Field(1, ge=1)
    """Random splits."""
    clip_f: float = Field(0.025, gt=0, lt=0.5)
    """f lies between this and one minus it."""
    clip_m: float = Field(0.02, gt=0, lt=0.5)
    """m lies between this and one minus it."""
    weakest: float = Field(0.03, gt=0)
    """|D| is at least this, its sign that of its mean."""
    steepest: float = Field(20, gt=0)
    """|beta| is at most this many standard deviations of the outcome."""
    one_sided: bool = False
    """Nobody without the instrument can be treated: m(0, x) is 0; otherwise that cell must not be empty."""
    keep: bool = False
    """Keep every prediction with the model; forgetting and export need them."""
    replicates: int | None = Field(None, ge=1)
    """Studies; all that the data hold if left out."""


class Predictions(NamedTuple):
    """Out-of-fold predictions of one split: f [L, n], m [L, 2, n], g [L, a, z, n]."""

    f: np.ndarray
    m: np.ndarray
    g: np.ndarray


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """Estimates of all triples, of every study and split. Logs one row per study.

    Raises UserError where the library is empty, a cell of instrument and treatment is empty in a training fold, or a
    learner finds that the instrument does not change treatment variance enough.
    """
    from threadpoolctl import threadpool_limits

    library = model.system.params.library
    if not library:
        raise UserError("causal.cross_fitted: model.library is empty; name learners")
    studies = tables(data.train, params.replicates)
    kept: list[list[Predictions]] = []
    found: dict[str, list[np.ndarray]] = {"psi": [], "se": [], "loss": []}
    with threadpool_limits(1), log.timed("train_seconds"):
        for i, table in enumerate(studies):
            splits = [predicted(table, library, params, [seed, i, split]) for split in range(params.splits)]
            psi, se = (np.array(one) for one in zip(*(estimates(table, one, params) for one in splits), strict=True))
            loss = np.mean([losses(table, one) for one in splits], axis=0)
            for name, value in (("psi", psi), ("se", se), ("loss", loss)):
                found[name].append(value)
            kept += [splits] if params.keep else []
            log.step(study=i, lowest=float(psi.mean(axis=0).min()), highest=float(psi.mean(axis=0).max()))
    arrays = {name: np.array(values) for name, values in found.items()}
    means = [over_splits(psi, se) for psi, se in zip(arrays["psi"], arrays["se"], strict=True)]
    arrays["estimate"], arrays["error"] = (np.array([one[i].ravel() for one in means]) for i in (0, 1))
    if params.keep:
        arrays |= {
            name: np.array([[getattr(one, name) for one in splits] for splits in kept]) for name in ("f", "m", "g")
        }
        arrays["limits"] = np.array([[params.weakest, params.steepest * one.y.std(ddof=1)] for one in studies])
        arrays["persons"] = np.array([one.keys for one in studies])
    return model.with_(system=model.system.changed(**arrays))


def folds(keys: np.ndarray, count: int, draws: list[int]) -> np.ndarray:
    """Fold of each person [n], from its key and the draws' numbers alone (SplitMix64 of both)."""
    start = np.random.SeedSequence(draws).generate_state(1, np.uint64)[0]
    mixed = (keys + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + start
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(32)) * np.uint64(count) >> np.uint64(32)).astype(np.int64)


def predicted(table: Table, library: tuple[str, ...], params: Params, draws: list[int]) -> Predictions:
    """Every learner in every role, out of fold, clipped."""
    n, count = len(table.z), len(library)
    f, m, g = np.empty((count, n)), np.empty((count, 2, n)), np.empty((count, 2, 2, n))
    fold = folds(table.keys, params.folds, draws)
    for held in range(params.folds):
        rows, others = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
        inside = table.take(others)
        inside.check_cells(params.one_sided)
        for index, name in enumerate(library):
            fitted = Fitted(name, inside, params.one_sided, draws[0])
            x = table.x[rows]
            f[index, rows], m[index][:, rows], g[index][..., rows] = fitted.f(x), fitted.m(x), fitted.g(x)
    f = np.clip(f, params.clip_f, 1 - params.clip_f)
    start = 1 if params.one_sided else 0
    m[:, start:] = np.clip(m[:, start:], params.clip_m, 1 - params.clip_m)
    for index, name in enumerate(library):
        if (share := float(pieces.weak(m[index], params.weakest))) > 0.2:
            raise UserError(
                f"causal.cross_fitted: the instrument does not change treatment variance enough: learner {name} finds"
                f" D below {params.weakest:g} or of the other sign for {share:.0%} of the persons"
            )
    return Predictions(f, m, g)


class Fitted:
    """One learner fitted in the three roles; each method predicts for covariates x [n, p]."""

    def __init__(self, name: str, table: Table, one_sided: bool, seed: int) -> None:
        self.name, self.one_sided, width = name, one_sided, table.x.shape[1]
        outcome = _outcome_columns(name, table.a, table.z, table.x)
        self._f = learners.classifier(name, 0, width, seed).fit(table.x, table.z)
        self._g = learners.regressor(name, outcome.shape[1] - width, width, seed).fit(outcome, table.y)
        if one_sided:  # only those with the instrument can be treated, so it says nothing among them
            favoured = table.z == 1
            self._m = learners.classifier(name, 0, width, seed).fit(table.x[favoured], table.a[favoured])
        else:
            self._m = learners.classifier(name, 1, width, seed).fit(np.column_stack([table.z, table.x]), table.a)

    def f(self, x: np.ndarray) -> np.ndarray:
        """P(Z=1|x) [n]."""
        return self._f.predict_proba(x)[:, 1]

    def m(self, x: np.ndarray) -> np.ndarray:
        """P(A=1|z, x) [2, n]."""
        if self.one_sided:
            return np.stack([np.zeros(len(x)), self._m.predict_proba(x)[:, 1]])
        rows = np.vstack([np.column_stack([np.full(len(x), z), x]) for z in (0.0, 1.0)])
        return self._m.predict_proba(rows)[:, 1].reshape(2, -1)

    def g(self, x: np.ndarray) -> np.ndarray:
        """E[Y|a, z, x] [a, z, n]."""
        n = len(x)
        rows = [_outcome_columns(self.name, np.full(n, a), np.full(n, z), x) for a in (0.0, 1.0) for z in (0.0, 1.0)]
        return self._g.predict(np.vstack(rows)).reshape(2, 2, n)


def _outcome_columns(name: str, a: np.ndarray, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What the outcome is predicted from: a, z, x, and products with a where the learner finds none by itself."""
    if name in learners.TREES:
        return np.column_stack([a, z, x])
    return np.column_stack([a, z, a * z, a[:, None] * x, x])


def estimates(table: Table, predictions: Predictions, params: Params) -> tuple[np.ndarray, np.ndarray]:
    """Estimate and standard error of every triple [L, L, L] in one split."""
    f, m, g = predictions
    outcome = pieces.outcome_side(m, g, params.weakest, params.steepest * table.y.std(ddof=1))
    difference = pieces.variance_difference(m, params.weakest)
    mean, squares = averages(table.z, table.a, table.y, f, m, difference, outcome.beta, outcome.eta, outcome.omega)
    n = len(table.z)
    return mean, np.sqrt(squares / (n - 1) / n)


def losses(table: Table, predictions: Predictions) -> np.ndarray:
    """Out-of-fold loss [3, L]: log loss of f and of m, squared error of g."""
    f, m, g = predictions
    own = pieces.at(table.z, m)
    g_own = pieces.at(table.z, np.where(table.a == 1, g[:, 1], g[:, 0]))
    return np.stack([_log_loss(table.z, f), _log_loss(table.a, own), ((table.y - g_own) ** 2).mean(axis=-1)])


def _log_loss(labels: np.ndarray, share: np.ndarray) -> np.ndarray:
    kept = np.clip(np.where(labels == 1, share, 1 - share), 1e-12, None)
    return -np.log(kept).mean(axis=-1)
