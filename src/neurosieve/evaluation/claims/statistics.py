"""Intervals and tests for few seeds (CLAIMS.md, section 3); every function works on the last axis.

A *slack* is how far a seed (or item) lies on the side that a compare asks for: positive means it holds there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LEVEL = 0.95
"""Level of the interval that stands beside every verdict."""


def _t_quantile(level: float, df: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2))


def _t_above(t: np.ndarray | float, df: int) -> np.ndarray:
    from scipy.special import stdtr

    return np.asarray(stdtr(df, -np.asarray(t, dtype=float)))


def same(values: np.ndarray) -> np.ndarray:
    """All values of the last axis are equal, up to rounding."""
    return np.ptp(values, axis=-1) <= 1e-12 * np.max(np.abs(values), axis=-1)


def mean_and_error(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and its standard error; the error of values that are all equal is 0, of one value NaN."""
    n = values.shape[-1]
    center = values.mean(axis=-1)
    if n < 2:
        return center, np.where(np.isnan(center), center, np.nan)
    return center, np.where(same(values), 0.0, values.std(axis=-1, ddof=1) / np.sqrt(n))


def t_interval(values: np.ndarray, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Student's two-sided interval of the mean; a point where all values are equal, NaN for fewer than three."""
    n = values.shape[-1]
    center, error = mean_and_error(values)
    if n < 3:
        known = (error == 0) if n == 2 else np.zeros_like(center, dtype=bool)
        return np.where(known, center, np.nan), np.where(known, center, np.nan)
    half = _t_quantile(level, n - 1) * error
    return center - half, center + half


def t_p(slack: np.ndarray) -> np.ndarray:
    """One-sided p of the paired t test that the mean slack is positive; NaN for one value."""
    center, error = mean_and_error(slack)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = _t_above(center / error, max(slack.shape[-1] - 1, 1))
    return np.where(error == 0, np.where(center > 0, 0.0, 1.0), p)


def welch_p(larger: np.ndarray, smaller: np.ndarray) -> float:
    """One-sided p of Welch's test that the first mean is larger. Shapes (n,), (m,); NaN below two values."""
    if min(len(larger), len(smaller)) < 2:
        return float("nan")
    (a, error_a), (b, error_b) = mean_and_error(larger), mean_and_error(smaller)
    error = float(np.hypot(error_a, error_b))
    if error == 0:
        return 0.0 if a > b else 1.0
    from scipy.special import stdtr

    return float(stdtr(_welch_df(float(error_a) / error, len(larger), len(smaller)), -float(a - b) / error))


def _welch_df(share: float, n: int, m: int) -> float:
    """Welch-Satterthwaite degrees of freedom; `share`: the first standard error by that of the difference."""
    return 1 / (share**4 / (n - 1) + (1 - share**2) ** 2 / (m - 1))


def welch_interval(left: np.ndarray, right: np.ndarray, level: float = LEVEL) -> tuple[float, float]:
    """Welch's two-sided interval of the difference of means; NaN below two values."""
    if min(len(left), len(right)) < 2:
        return float("nan"), float("nan")
    (a, error_a), (b, error_b) = mean_and_error(left), mean_and_error(right)
    center, error = float(a - b), float(np.hypot(error_a, error_b))
    if error == 0:
        return center, center
    from scipy.special import stdtrit

    df = _welch_df(float(error_a) / error, len(left), len(right))
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    return center - half, center + half


def wilcoxon_p(slack: np.ndarray) -> float:
    """Exact one-sided p of the signed-rank test, shape (n,): zeros dropped, mid-ranks for ties; normal above 100."""
    values = slack[slack != 0]
    n = len(values)
    if n == 0:
        return 1.0
    # Twice the mid-rank is a whole number, so that ties stay exact.
    magnitude = np.round(np.abs(values), 15)
    order = np.sort(magnitude)
    doubled = np.searchsorted(order, magnitude, "left") + np.searchsorted(order, magnitude, "right") + 1
    observed = int(doubled[values > 0].sum())
    if n > 100:
        from scipy.special import ndtr

        spread = np.sqrt(float((doubled.astype(float) ** 2).sum()) / 4)
        return float(ndtr(-(observed - 1 - doubled.sum() / 2) / spread))
    return float(_signed_rank_tail(tuple(sorted(int(rank) for rank in doubled)))[observed])


@lru_cache(maxsize=256)
def _signed_rank_tail(doubled: tuple[int, ...]) -> np.ndarray:
    """P(sum of the positive doubled ranks ≥ s) for s = 0 … total, every sign equally likely."""
    chance = np.zeros(sum(doubled) + 1)
    chance[0] = 1.0
    for rank in doubled:
        chance[rank:] = (chance[rank:] + chance[:-rank]) / 2
        chance[:rank] /= 2
    return np.minimum(chance[::-1].cumsum()[::-1], 1.0)


def binomial_above(k: int, n: int, chance: float = 0.5) -> float:
    """P(X ≥ k) of a binomial: the sign probability, at chance ½."""
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    from scipy.special import bdtrc

    return float(bdtrc(k - 1, n, chance))


def sign_p(slack: np.ndarray) -> float:
    """One-sided p of the sign test, shape (n,): zeros dropped."""
    return binomial_above(int((slack > 0).sum()), int((slack != 0).sum()))


def wilson(k: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's two-sided interval of a share, k of n."""
    from scipy.special import ndtri

    if n == 0:
        return 0.0, 1.0
    z = float(ndtri(0.5 + level / 2))
    share = k / n
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, float(center - half)), min(1.0, float(center + half))


def normal_above(z: float) -> float:
    """P(Z > z)."""
    from scipy.special import ndtr

    return float(ndtr(-z))


def t_above(t: float, df: int) -> float:
    """P(T > t)."""
    return float(_t_above(t, max(df, 1)))


@lru_cache(maxsize=32)
def _rank_products(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and counts of Σ i·π(i) over all permutations of `points` ranks, by dynamic programming over subsets."""
    top = points * (points + 1) * (2 * points + 1) // 6
    counts: dict[int, np.ndarray] = {0: np.eye(1, top + 1)[0]}
    for _ in range(points):
        grown: dict[int, np.ndarray] = {}
        for used, ways in counts.items():
            place = used.bit_count() + 1
            for rank in range(points):
                if not used >> rank & 1:
                    step = place * (rank + 1)
                    target = grown.setdefault(used | 1 << rank, np.zeros(top + 1))
                    target[step:] += ways[: top + 1 - step]
        counts = grown
    ways = counts[(1 << points) - 1]
    values = np.flatnonzero(ways)
    return values, ways[values]


def spearman_chance(points: int, threshold: float, above: bool, strict: bool) -> float:
    """Chance that a rank correlation of `points` points without ties passes the threshold by luck.

    Exact for up to 10 points, Student's t above; NaN below three.
    """
    if points < 3:
        return float("nan")
    signed = threshold if above else -threshold
    if points > 10:
        if abs(signed) >= 1:
            return 1.0 if signed < 0 else 0.0
        return t_above(signed * np.sqrt((points - 2) / (1 - signed**2)), points - 2)
    products, ways = _rank_products(points)
    squares = points * (points + 1) * (2 * points + 1) / 3 - 2 * products
    rho = 1 - 6 * squares / (points * (points**2 - 1))
    passing = rho > signed + 1e-12 if strict else rho >= signed - 1e-12
    return float(ways[passing].sum() / ways.sum())


def benjamini_hochberg(p: list[float]) -> list[float]:
    """q of each p: the smallest false-discovery rate at which it is among the discoveries."""
    order = np.argsort(p)
    q = np.minimum.accumulate((np.asarray(p)[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    result = np.empty(len(p))
    result[order] = np.minimum(q, 1.0)
    return result.tolist()


def partial_conjunction(p: list[float], needed: int) -> float:
    """p that at least `needed` of several hypotheses hold (Benjamini and Heller 2008, Bonferroni form)."""
    ordered = sorted(p)
    return min(1.0, (len(p) - needed + 1) * ordered[needed - 1])


def count_above(chances: list[float], needed: int) -> float:
    """Chance that at least `needed` of several independent events happen (Poisson binomial)."""
    ways = np.array([1.0])
    for chance in chances:
        ways = np.convolve(ways, [1 - chance, chance])
    return float(min(1.0, ways[max(needed, 0) :].sum()))
