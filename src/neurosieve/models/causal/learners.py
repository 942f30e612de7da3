"""Learners of the nuisance roles, from scikit-learn: classifiers of instrument and treatment, regressors of outcome.

Columns come as `leading` (instrument, treatment and, for the outcome, treatment x instrument and treatment x covariate)
before the covariates; additive splines spread the covariates alone, trees see no products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

TREES = frozenset({"boosting", "forest"})
"""Learners that find products by themselves."""
BOOSTING = {"max_iter": 40, "learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 30, "early_stopping": False}
FOREST = {"n_estimators": 200, "min_samples_leaf": 20, "n_jobs": 1}
MLP = {"hidden_layer_sizes": (32,), "learning_rate_init": 1e-2, "early_stopping": True, "max_iter": 1000}


def classifier(name: str, leading: int, covariates: int, seed: int) -> Any:
    """An unfitted classifier of 0 and 1 for `leading` columns before `covariates`."""
    from sklearn import ensemble, linear_model, neural_network

    made: dict[str, Any] = {
        "boosting": lambda: ensemble.HistGradientBoostingClassifier(**BOOSTING, random_state=seed),
        "forest": lambda: ensemble.RandomForestClassifier(**FOREST, random_state=seed),
        "mlp": lambda: neural_network.MLPClassifier(**MLP, random_state=seed),
        "lasso": lambda: linear_model.LogisticRegression(C=0.1, l1_ratio=1, solver="saga", random_state=seed),
    }
    # columns of a spline basis that no person reaches have no maximum of their likelihood
    logistic = linear_model.LogisticRegression(C=100 if name == "spline" else np.inf, solver="newton-cholesky")
    return _prepared(name, leading, covariates, made.get(name, lambda: logistic)())


def regressor(name: str, leading: int, covariates: int, seed: int) -> Any:
    """An unfitted regressor for `leading` columns before `covariates`."""
    from sklearn import ensemble, linear_model, neural_network

    made: dict[str, Any] = {
        "boosting": lambda: ensemble.HistGradientBoostingRegressor(**BOOSTING, random_state=seed),
        "forest": lambda: ensemble.RandomForestRegressor(**FOREST, random_state=seed),
        "mlp": lambda: neural_network.MLPRegressor(**MLP, random_state=seed),
        "lasso": lambda: linear_model.LassoCV(cv=3, alphas=20, random_state=seed),
    }
    return _prepared(name, leading, covariates, made.get(name, linear_model.Ridge)())


def _prepared(name: str, leading: int, covariates: int, learner: BaseEstimator) -> Any:
    """The learner after what its columns need: scaling, or splines of the covariates."""
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import SplineTransformer, StandardScaler

    if name in TREES:
        return learner
    if name != "spline":
        return make_pipeline(StandardScaler(), learner)
    last = list(range(leading, leading + covariates))
    bases = ColumnTransformer(
        [("spline", SplineTransformer(n_knots=6, include_bias=False), last)], remainder=StandardScaler()
    )
    return make_pipeline(bases, learner)
