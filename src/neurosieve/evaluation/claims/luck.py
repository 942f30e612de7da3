"""Chance that a criterion holds by luck: were every effect exactly on its threshold (CLAIMS.md, section 3)."""

from __future__ import annotations

import math
from typing import Any

from neurosieve.evaluation import vocabulary
from neurosieve.evaluation.claims import forms, statistics


def of_compare(compare: forms.Compare, seeds: int, items: int, metric: str) -> float:
    """Chance for one compare: ½ for a mean, less for the best of several, the level of its test or interval."""
    confidence = compare.confidence
    if confidence is None:
        return _of_choice(compare, metric)
    n = seeds if confidence.units == "seeds" else max(seeds, items)
    match confidence:
        case forms.Interval():
            return (1 - confidence.interval) / 2
        case forms.Test():
            return _of_test(confidence, n)
        case forms.StandardErrors():
            return statistics.t_above(confidence.se, n - 1)
        case _:
            return statistics.t_above(confidence.sd * math.sqrt(n), n - 1)


def _of_test(test: forms.Test, n: int) -> float:
    """Exact tests reach only some levels: the largest one below what is asked."""
    if test.test == "sign":
        reached = [statistics.binomial_above(k, n) for k in range(n + 1)]
        return max((p for p in reached if p < test.p), default=0.0)
    if test.test == "wilcoxon" and 0.5**n >= test.p:
        return 0.0
    return test.p


def _of_choice(compare: forms.Compare, metric: str) -> float:
    """One against the best of k equal ones holds in 1/(k+1); the best of k picked on the judged rows in k/(k+1)."""
    ours = _extreme_of(compare.left, metric)
    rival = _extreme_of(compare.rights[0], metric) if len(compare.rights) == 1 else (0, 1)
    if compare.is_ in ("within", "between"):
        return 0.5
    wanted = 1 if compare.is_ in ("above", "at_least") else -1
    if ours[1] == rival[1] == 1:
        return 0.5
    # Left is the largest of a: it is above the largest of b in a / (a + b), and never-chosen sides count as one.
    same_way = {extreme for extreme, count in (ours, rival) if count > 1}
    if len(same_way) != 1:
        return 0.5
    share = ours[1] / (ours[1] + rival[1])
    return share if same_way == {wanted} else 1 - share


def _extreme_of(quantity: Any, metric: str) -> tuple[int, int]:
    """Which extreme (+1 largest, -1 smallest) of how many variants is read, where it is chosen on these very rows."""
    if not isinstance(quantity, forms.Leaf) or quantity.by is not None:
        return 0, 1
    names = quantity.of.best if isinstance(quantity.of, forms.Best) else None
    names = quantity.of.worst if isinstance(quantity.of, forms.Worst) else names
    if names is None or len(names) < 2:
        return 0, 1
    larger = (vocabulary.direction(metric) != "lower") == isinstance(quantity.of, forms.Best)
    return (1 if larger else -1), len(names)


def of_count(chances: list[float], needed: int) -> float:
    """At least `needed` of several, taken as independent."""
    return statistics.count_above(chances, needed)
