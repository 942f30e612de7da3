"""The interactive instrumental variable model: the effect among those whom the instrument moves (LATE), cross-fitted.

Doubly robust, and biased where the instrument also acts on the outcome. One learner in all roles; folds, splits and
clips are those of `causal.cross_fitted`.
"""

from __future__ import annotations

import numpy as np

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.kernels.doubly_robust import late
from neurosieve.kernels.plugin_grid import over_splits
from neurosieve.models.causal.estimator import Learner
from neurosieve.models.causal.tables import Table, tables
from neurosieve.training.causal import cross_fitted


class Params(cross_fitted.Params):
    """The learner, folds, splits and clips."""

    learner: Learner = "boosting"
    """What every nuisance is learnt with."""


def train(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """Estimates and standard errors [studies, 1]. Raises UserError as `causal.cross_fitted` does."""
    from threadpoolctl import threadpool_limits

    studies = tables(data.train, params.replicates)
    with threadpool_limits(1), log.timed("train_seconds"):
        found = np.array([_estimate(table, params, seed, i) for i, table in enumerate(studies)])
    return model.with_(system=model.system.changed(estimate=found[:, :1], error=found[:, 1:]))


def _estimate(table: Table, params: Params, seed: int, study: int) -> tuple[float, float]:
    """Over all splits."""
    pairs = []
    for split in range(params.splits):
        f, m, g = (one[0] for one in cross_fitted.predicted(table, (params.learner,), params, [seed, study, split]))
        outcome = m * g[1] + (1 - m) * g[0]
        pairs.append(late(table.z, table.a, table.y, f, (outcome[0], outcome[1]), (m[0], m[1])))
    estimate, error = over_splits(*np.array(pairs).T)
    return float(estimate), float(error)
