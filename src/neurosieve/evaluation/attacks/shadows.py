"""Scores of rows under shadow models, and their likelihood ratios.

`margin` is the logit form of the confidence log p/(1-p) (Carlini et al. 2022, section VI): no floor, no underflow.
`u_lira` compares shadows that unlearned a row with shadows that never saw it (Hayes et al. 2024); `offline` is the
one-sided test under the models that never saw it, weaker, and named apart (Carlini et al. 2022, equation 4).
"""

from __future__ import annotations

import numpy as np

from neurosieve.errors import UserError

FLOOR = 1e-45
"""What the reference code adds to both probabilities inside its logarithms."""


def margin(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """True logit minus log-sum-exp of the others [..., rows], of logits [..., rows, classes] and labels [rows]."""
    logits = np.asarray(logits, np.float64)
    true = np.arange(logits.shape[-1]) == np.asarray(labels)[:, None]
    others = np.where(true, -np.inf, logits)
    top = others.max(-1, keepdims=True)
    rest = top[..., 0] + np.log(np.exp(others - top).sum(-1))
    return np.where(true, logits, 0).sum(-1) - rest


def confidence(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """log p - log(1 - p) [rows] of probabilities averaged over views first, as the reference code scores a row.

    Logits [rows, views, classes]. Equal to `margin` for one view where nothing underflows.
    """
    shifted = np.exp(logits - logits.max(-1, keepdims=True))
    shares = (shifted / shifted.sum(-1, keepdims=True)).mean(1)
    rows = np.arange(len(labels))
    true = shares[rows, labels]
    shares[rows, labels] = 0
    return np.log(true + FLOOR) - np.log(shares.sum(-1) + FLOOR)


def log_density(value: np.ndarray, location: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Log of the normal density."""
    return -0.5 * ((value - location) / spread) ** 2 - np.log(spread) - 0.5 * np.log(2 * np.pi)


def normal_fit(shadows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and population standard deviation [rows] of scores [rows, models]: the fit by maximum likelihood.

    Raises UserError where the shadows of a row do not vary.
    """
    spread = shadows.std(-1)
    if not (np.isfinite(spread).all() and (spread > 0).all()):
        raise UserError("shadow models agree exactly on some row, or are not finite: train them with different seeds")
    return shadows.mean(-1), spread


def u_lira(unlearned: np.ndarray, retrained: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log-likelihood ratio [rows], unlearned over retrained; higher: the row was trained on, then unlearned.

    Scores are [rows, models], the target's [rows].
    """
    return offline(unlearned, target) - offline(retrained, target)


def offline(shadows: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Log density [rows] of the target's scores [rows] under shadows [rows, models]: one side of `u_lira`."""
    return log_density(target, *normal_fit(shadows))


def told_apart(unlearned: np.ndarray, retrained: np.ndarray, *, one_sided: bool = False) -> np.ndarray:
    """Whether U-LiRA tells an unlearned from a retrained model, per pair [m, n]: 1, 0, or 0.5 at a tie.

    Scores are [models, rows]; both models of a pair are left out of the shadows, and their log ratios are summed over
    the rows: the request as a whole is attacked. `one_sided`: retrained shadows alone, the offline score; the model
    under which the rows are less likely is called unlearned.
    """
    _check(unlearned, retrained)
    fits = _left_out(unlearned), _left_out(retrained)
    scores = np.empty((2, len(unlearned), len(retrained)))
    for side, models in enumerate((unlearned, retrained)):
        own, other = fits[side], fits[1 - side]
        across = log_density(models[:, None], other[0][None], other[1][None]).sum(-1)  # [own, other left out]
        self_ = log_density(models, *own).sum(-1)[:, None]  # left out of its own side
        if one_sided:
            scores[side] = -(across if side == 0 else np.broadcast_to(self_, across.shape).T)
        else:
            scores[side] = self_ - across if side == 0 else (across - self_).T
    return (np.sign(scores[0] - scores[1]) + 1) / 2


def _check(unlearned: np.ndarray, retrained: np.ndarray) -> None:
    fewest = min(len(unlearned), len(retrained))
    if fewest < 8:
        raise UserError(f"8 + 8 models or more are needed to leave a pair out; there are {fewest} on one side")
    normal_fit(unlearned.T), normal_fit(retrained.T)


def _left_out(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [models, rows] of scores [models, rows] without each model in turn."""
    n = len(scores) - 1
    total, squares = scores.sum(0) - scores, (scores**2).sum(0) - scores**2
    mean = total / n
    variance = np.maximum(squares / n - mean**2, 1e-12 * (1 + mean**2))  # the one model left out may be the only other
    return mean, np.sqrt(variance)


def lira(
    score: np.ndarray, keep: np.ndarray, target: np.ndarray, *, online: bool = True, fixed: bool = False
) -> np.ndarray:
    """LiRA [target models, rows]: log density OUT - IN (OUT alone where not `online`); lower means member.

    Shadows' `score` [models, rows, augmentations], `keep` [models, rows] (trained on the row), `target` as `score`.
    Location is the median; `fixed` takes one spread over all IN scores for both sides, as the reference code does
    (Carlini et al. 2022, github tensorflow/privacy); offline it is over all OUT scores.
    """
    inside, outside = (np.where(side[..., None], score, np.nan) for side in (keep.astype(bool), ~keep.astype(bool)))

    def density(side: np.ndarray, pooled: np.ndarray) -> np.ndarray:
        spread = np.asarray(np.nanstd(pooled) if fixed else np.nanstd(side, axis=0))
        return log_density(target, np.nanmedian(side, axis=0), spread)

    below = density(outside, inside if online else outside)
    return (below - density(inside, inside) if online else below).mean(-1)
