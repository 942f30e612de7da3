"""The parametric multiply robust estimator of the average effect with an invalid instrument.

Sun, Cui and Tchetgen Tchetgen (JMLR 2022), in the estimating equations of our reading: f and m are logistic models by
maximum likelihood without penalty; beta = b'phi, omega = w'varphi, eta = h'xi solve the linear system
P[varphi e] = 0, P[xi c] = 0, P[phi (Z - f) c] = 0 with e = Y - beta A - omega and c = (A - m) e - eta. The effect is
the mean of Phi = (2Z-1) / (f(Z|X) D) c + beta. Consistent where f and m, or f, beta and omega, or beta, eta and one of
omega and m are right. Standard errors: sandwich of all equations stacked.
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from neurosieve.kernels.influence_function import Outcome, at, influence, variance_difference


class Features(NamedTuple):
    """Features of n persons, [n, own width] each: of f, beta, eta; [2, n, width] at z = 0 and 1: of m, omega."""

    f: np.ndarray
    m: np.ndarray
    beta: np.ndarray
    omega: np.ndarray
    eta: np.ndarray

    def take(self, rows: np.ndarray) -> Features:
        """Features of these persons."""
        f, m, beta, omega, eta = self
        return Features(f[rows], m[:, rows], beta[rows], omega[:, rows], eta[rows])


class Fit(NamedTuple):
    """Coefficients of every nuisance, Phi [n] of each person, and m [2, n] as fitted."""

    f: np.ndarray
    m: np.ndarray
    b: np.ndarray
    w: np.ndarray
    h: np.ndarray
    phi: np.ndarray
    treated: np.ndarray

    @property
    def psi(self) -> float:
        """The estimate."""
        return float(self.phi.mean())


def fit(
    z: np.ndarray,
    a: np.ndarray,
    y: np.ndarray,
    features: Features,
    logits: tuple[np.ndarray, np.ndarray] | None = None,
) -> Fit:
    """The estimator on z, a, y [n]. Raises LinAlgError where the equations have no single solution.

    `logits` are the coefficients of f and m where they are known. Where nobody without the instrument is
    treated (one-sided), m(0, x) is 0.
    """
    of_f, of_m = logits or (of_instrument(z, features), of_treatment(z, a, features))
    f = _expit(features.f @ of_f)
    m = _expit(features.m @ of_m)
    if not a[z == 0].any():
        m[0] = 0.0
    w, h, b = _solve(z, a, y, f, at(z, m), features)
    outcome = Outcome(features.beta @ b, features.eta @ h, features.omega @ w)
    phi = influence(z, a, y, f, m, variance_difference(m), outcome)
    return Fit(of_f, of_m, b, w, h, phi, m)


def of_instrument(z: np.ndarray, features: Features) -> np.ndarray:
    """Coefficients of f."""
    return logistic(features.f, z)


def of_treatment(z: np.ndarray, a: np.ndarray, features: Features) -> np.ndarray:
    """Coefficients of m; where nobody without the instrument is treated, of those with it."""
    rows = slice(None) if a[z == 0].any() else z == 1
    return logistic(_own(z, features.m)[rows], a[rows])


def logistic(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Coefficients [width] of a logistic model without penalty; the intercept is one of the features [n, width].

    Raises LinAlgError where the likelihood has no single maximum.
    """
    from sklearn.linear_model import LogisticRegression

    if np.ptp(labels) == 0:
        raise np.linalg.LinAlgError("all labels are the same")
    model = LogisticRegression(C=np.inf, fit_intercept=False, solver="newton-cholesky", tol=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return model.fit(features, labels).coef_[0]
        except Warning as warning:  # another solver is tried, or none has converged
            raise np.linalg.LinAlgError(str(warning).partition(".")[0]) from None


def sandwich(z: np.ndarray, a: np.ndarray, y: np.ndarray, features: Features, fitted: Fit) -> float:
    """Standard error of the estimate, from all estimating equations stacked (f, m, omega, eta, beta, the effect)."""
    parts = _Parts.of(z, a, y, features, fitted)
    derivatives = parts.derivatives()
    weights = np.linalg.solve(derivatives.T / len(z), np.eye(len(derivatives))[-1])  # the last row of the inverse
    return float(np.sqrt((parts.scores(weights) ** 2).sum()) / len(z))


def _solve(
    z: np.ndarray, a: np.ndarray, y: np.ndarray, f: np.ndarray, m: np.ndarray, features: Features
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients w, h, b of omega, eta, beta, the three sets of equations being linear in all of them."""
    omega, eta, beta = _own(z, features.omega), features.eta, features.beta
    rest = a - m
    below = np.vstack([eta.T, beta.T * (z - f)])
    of_omega, of_eta, of_beta = omega.T @ omega, below @ eta, (omega.T * a) @ beta
    system = np.block(
        [
            [of_omega, np.zeros((omega.shape[1], eta.shape[1])), of_beta],
            [(below * rest) @ omega, of_eta, (below * (rest * a)) @ beta],
        ]
    )
    found = np.linalg.solve(system, np.concatenate([omega.T @ y, below @ (rest * y)]))
    w, h, b = np.split(found, np.cumsum([omega.shape[1], eta.shape[1]]))
    return w, h, b


class _Parts(NamedTuple):
    """What the derivatives of the equations are made of: features at each person's own z, and factors [n]."""

    f: np.ndarray
    m: np.ndarray
    omega: np.ndarray
    eta: np.ndarray
    beta: np.ndarray
    slope_d: np.ndarray
    """Derivative of D by the coefficients of m [n, width]."""
    z_rest: np.ndarray
    """Z - f."""
    a_rest: np.ndarray
    """A - m."""
    f_slope: np.ndarray
    m_slope: np.ndarray
    a: np.ndarray
    e: np.ndarray
    c: np.ndarray
    lead: np.ndarray
    """(2Z-1) / (f(Z|X) D)."""
    d: np.ndarray
    centred: np.ndarray
    """Phi less its mean."""

    @staticmethod
    def of(z: np.ndarray, a: np.ndarray, y: np.ndarray, features: Features, fitted: Fit) -> _Parts:
        both, d = fitted.treated, variance_difference(fitted.treated)
        m_features, omega = _own(z, features.m), _own(z, features.omega)
        f, m = _expit(features.f @ fitted.f), at(z, both)
        e = y - a * (features.beta @ fitted.b) - omega @ fitted.w
        c = (a - m) * e - features.eta @ fitted.h
        curve = ((1 - 2 * both) * both * (1 - both))[..., None]
        slope_d = curve[1] * features.m[1] - curve[0] * features.m[0]
        lead = (2 * z - 1) / (np.where(z == 1, f, 1 - f) * d)
        sides = (features.f, m_features, omega, features.eta, features.beta)
        return _Parts(
            *sides, slope_d, z - f, a - m, f * (1 - f), m * (1 - m), a, e, c, lead, d, fitted.phi - fitted.psi
        )

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """The equations' scores of every person, weighted and added up [n]."""
        sides = self[:5]
        w_f, w_m, w_omega, w_eta, w_beta, w_psi = np.split(weights, np.cumsum([side.shape[1] for side in sides]))
        total = self.z_rest * (self.f @ w_f) + self.a_rest * (self.m @ w_m) + self.e * (self.omega @ w_omega)
        total += self.c * (self.eta @ w_eta + self.z_rest * (self.beta @ w_beta))
        return total + self.centred * w_psi[0]

    def derivatives(self) -> np.ndarray:
        """Sum over persons of the scores' derivatives by f, m, omega, eta, beta and the effect [q, q]."""
        f, m, omega, eta, beta = self[:5]
        starts = np.cumsum([0, *(side.shape[1] for side in self[:5]), 1])
        of_f, of_m, of_omega, of_eta, of_beta, of_psi = (slice(*pair) for pair in pairwise(starts))
        found = np.zeros((starts[-1], starts[-1]))
        found[of_f, of_f] = -(f.T * self.f_slope) @ f
        found[of_m, of_m] = -(m.T * self.m_slope) @ m
        found[of_omega, of_omega] = -omega.T @ omega
        found[of_omega, of_beta] = -(omega.T * self.a) @ beta
        # eta, beta and the effect change through c in the same way
        left = np.vstack([eta.T, beta.T * self.z_rest, self.lead])
        below = slice(of_eta.start, of_psi.stop)
        found[below, of_m] = -(left * (self.m_slope * self.e)) @ m
        found[below, of_omega] = -(left * self.a_rest) @ omega
        found[below, of_eta] = -left @ eta
        found[below, of_beta] = -(left * (self.a_rest * self.a)) @ beta
        found[of_beta, of_f] = -(beta.T * (self.c * self.f_slope)) @ f
        found[of_psi, of_f] = -(self.lead * self.c * self.z_rest) @ f
        found[of_psi, of_m] -= (self.lead * self.c / self.d) @ self.slope_d
        found[of_psi, of_beta] += beta.sum(axis=0)
        found[of_psi, of_psi] = -len(self.a)
        return found


def _own(z: np.ndarray, pair: np.ndarray) -> np.ndarray:
    """Of features at z = 0 and 1 [2, n, width] those at each person's own z [n, width]."""
    return np.where((z == 1)[:, None], pair[1], pair[0])


def _expit(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))
