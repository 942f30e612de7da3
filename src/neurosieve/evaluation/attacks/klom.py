"""KLOM: KL divergence of margins between unlearned and retrained models, per row (Georgiev et al. 2024)."""

from __future__ import annotations

import numpy as np

from neurosieve.errors import UserError

BINS, CLIP, FLOOR = 20, 100.0, 1e-5


def klom(unlearned: np.ndarray, oracle: np.ndarray, *, open_top: bool = False) -> np.ndarray:
    """KL(unlearned || oracle) in nats [rows] of margins [models, rows].

    20 equal bins between the joint extremes; `open_top` leaves the largest margin out, as the reference code does.
    """
    pairs = zip(unlearned.T, oracle.T, strict=True)
    return np.array([_divergence(*histograms(a, b, open_top=open_top)[:2]) for a, b in pairs])


def halves(
    unlearned: np.ndarray, oracle: np.ndarray, draw: np.random.Generator, splits: int = 20
) -> tuple[np.ndarray, np.ndarray]:
    """Mean KLOM over rows between random halves, per split: of unlearned and retrained models, and of retrained alone.

    Margins [models, rows], both [splits]. The second is the floor: what as many models that never saw the rows give.
    Raises UserError below 8 models a side.
    """
    fewest = min(len(unlearned), len(oracle))
    if fewest < 8:
        raise UserError(f"KLOM's own floor needs 8 retrained models or more, there are {fewest}")
    half, found = fewest // 2, []
    for _ in range(splits):
        order, other = draw.permutation(len(oracle)), draw.permutation(len(unlearned))
        first, second = oracle[order[:half]], oracle[order[half : 2 * half]]
        found.append([klom(side, second).mean() for side in (unlearned[other[:half]], first)])
    return np.array(found)[:, 0], np.array(found)[:, 1]


def histograms(a: np.ndarray, b: np.ndarray, *, open_top: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts [bins] of either side's margins [models] and the edges [bins + 1] of both; one bin if all agree."""
    a, b = np.clip(a, -CLIP, CLIP), np.clip(b, -CLIP, CLIP)
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    if not low < high:
        return np.array([len(a)]), np.array([len(b)]), np.array([low, high])
    edges = np.linspace(low, high, BINS + 1)
    first, second = (np.histogram(side[side < high] if open_top else side, edges)[0] for side in (a, b))
    return first, second, edges


def _divergence(first: np.ndarray, second: np.ndarray) -> float:
    p, q = first / first.sum(), second / second.sum()
    q = np.where(p > 0, np.maximum(q, FLOOR), q)
    p, q = p / p.sum(), q / q.sum()
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())
