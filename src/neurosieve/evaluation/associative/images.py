"""Recall of classes of images over numbers of examples M and orders P, and the rules it is compared with.

Couplings are class means of the first M training images of each class, centred and with columns of norm sqrt(N). A
retrieval starts from a test image, relaxes at temperature 0 and answers with the class of the largest overlap. accuracy
at M and P (`sweeps`, `unsupervised`) or at M (the others), and per test image in items: 0 or 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.evaluation.associative._memories import system_of
from neurosieve.kernels import glauber
from neurosieve.models.associative.factor import Factor
from neurosieve.models.associative.hebbian import class_means, first_of_each, supervised, unsupervised


class Params(BaseModel):
    """The grid and the rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: Literal["sweeps", "unsupervised", "nearest_mean", "nearest_neighbour", "modern"] = "sweeps"
    """sweeps: recall in the supervised memory; unsupervised: in the one that holds single examples; nearest_mean: the
    class mean of the largest cosine; nearest_neighbour: the class of the nearest example; modern: the continuous
    Hopfield update x <- E softmax(E^T x / sqrt(N)) with the supervised memory's couplings."""
    examples: tuple[int, ...] = (5, 20, 100, 300)
    """Training images M of each class."""
    orders: tuple[int, ...] = (2, 4, 8)
    """Interaction orders P."""
    rows: int = Field(300, ge=1)
    """Test images, the first."""
    updates: int = Field(5, ge=1)
    """Updates of the modern network."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of every M (and P). Raises UserError where a class has too few images or all images are alike."""
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    system, train = system_of(view), view.data.train
    test = view.data.test.take(np.arange(min(params.rows, len(view.data.test))))
    seen, labels, queries = system.spins(train.x), train.y, system.spins(test.x)
    for examples in params.examples:
        if params.rule in ("sweeps", "unsupervised"):
            memory = _memory(system, seen, labels, examples, params.rule)
            for order in params.orders:
                rng = np.random.default_rng([seed, examples])  # every order visits the same spins
                yield from _rows(_recalled(memory, queries, order, rng), test, {"M": examples, "P": order})
        elif params.rule == "modern":
            memory = _memory(system, seen, labels, examples, params.rule)
            yield from _rows(_modern(memory, queries, params.updates), test, {"M": examples})
        else:
            answers = NEAREST[params.rule](seen, labels, queries, examples)
            yield from _rows(answers, test, {"M": examples})


def _rows(answers: np.ndarray, test: Split, at: dict[str, object]) -> Iterator[Measure]:
    right = answers == test.y
    yield Measure("accuracy", float(right.mean()), split="test", at=at, n=len(right))
    for name, one in zip(test.ids, right, strict=True):
        yield Measure("accuracy", float(one), split="test", at=at, item=str(name))


def _memory(system: Factor, seen: np.ndarray, labels: np.ndarray, examples: int, rule: str) -> Factor:
    if rule == "unsupervised":
        return unsupervised(system, seen, labels, examples, centre=True)
    return supervised(system, *class_means(seen, labels, examples), centre=True, normalise=False)


def _recalled(memory: Factor, queries: np.ndarray, order: int, rng: np.random.Generator) -> np.ndarray:
    sites = glauber.sites(memory.params.sites, (len(queries), memory.params.sweeps, queries.shape[1]), rng)
    return memory.answers(glauber.relax(memory.couplings, queries, order, 1.0, sites))


def _nearest_mean(seen: np.ndarray, labels: np.ndarray, queries: np.ndarray, examples: int) -> np.ndarray:
    means, classes = class_means(seen, labels, examples)
    return classes[np.argmax(queries @ (means / np.linalg.norm(means, axis=0)), axis=1)]


def _nearest_neighbour(seen: np.ndarray, labels: np.ndarray, queries: np.ndarray, examples: int) -> np.ndarray:
    rows = np.concatenate(first_of_each(labels, examples)[0])
    return labels[rows[np.argmax(queries @ seen[rows].T, axis=1)]]


def _modern(memory: Factor, queries: np.ndarray, updates: int) -> np.ndarray:
    from scipy.special import softmax

    state, stored = queries, memory.couplings
    for _ in range(updates):
        state = softmax(state @ stored / np.sqrt(len(stored)), axis=1) @ stored.T
    return memory.answers(state)


NEAREST = {"nearest_mean": _nearest_mean, "nearest_neighbour": _nearest_neighbour}
