"""Linear estimators that take the outcome to be linear in treatment and covariates: OLS, 2SLS; and the MR-GENIUS ratio.

Each gives (estimate, standard error) from z, a, y [n] and covariates x [n, p]. Standard errors are robust to unequal
variances and divide by n (HC0).
"""

from __future__ import annotations

import numpy as np


def ols(x: np.ndarray, z: np.ndarray, a: np.ndarray, y: np.ndarray, *, instrument: bool = True) -> tuple[float, float]:
    """Coefficient of a in the regression of y on (1, a, x) and, if asked for, z."""
    columns = [np.ones(len(y)), a, x, z] if instrument else [np.ones(len(y)), a, x]
    regressors = np.column_stack(columns)
    return _coefficient(regressors, regressors, y)


def two_stage(x: np.ndarray, z: np.ndarray, a: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Coefficient of a with z as its instrument, x exogenous."""
    one = np.ones(len(y))
    return _coefficient(np.column_stack([one, z, x]), np.column_stack([one, a, x]), y)


def genius(z: np.ndarray, a: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """P[(Z - mean) (A - m) Y] / P[(Z - mean) (A - m) A] with m the mean of A at the same Z, covariates ignored.

    Its influence function lets the means of Z and of A given Z vary too. Tchetgen Tchetgen, Sun and Walter (2021).
    """
    treated = np.array([a[z == value].mean() for value in (0, 1)])
    rest = a - treated[z.astype(int)]
    weight = (z - z.mean()) * rest
    estimate = (weight * y).mean() / (weight * a).mean()
    e = y - estimate * a
    share = z.mean()
    score = weight * e - (z - share) * (rest * e).mean()
    for value, density in ((0, 1 - share), (1, share)):  # what the means of A given Z bring in
        own = z == value
        score -= own / density * rest * ((z - share) * own * e).mean()
    return float(estimate), float(score.std() / abs((weight * a).mean()) / np.sqrt(len(y)))


def _coefficient(instruments: np.ndarray, regressors: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The second coefficient of a just-identified linear model, and its HC0 standard error."""
    inverse = np.linalg.inv(instruments.T @ regressors)
    coefficients = inverse @ (instruments.T @ y)
    residuals = y - regressors @ coefficients
    scores = instruments * residuals[:, None] @ inverse[1]
    return float(coefficients[1]), float(np.sqrt((scores**2).sum()))
