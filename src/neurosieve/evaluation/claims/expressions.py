"""Resolved quantities: which cells they read and how they combine, after every choice is made.

An expression is evaluated over any source of values per seed: the measured ones, one seed alone, items, or
resamples. A source maps a cell to an array of shape (seeds, …); what follows the first axis goes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from neurosieve.evaluation.claims.table import Cell

Source = Callable[[Cell], np.ndarray]


def over_seeds(values: np.ndarray, over: str) -> np.ndarray:
    """Reduce the first axis, the seeds; `sd` of one seed is NaN (n - 1 in the denominator)."""
    match over:
        case "sd":
            return values.std(axis=0, ddof=1) if len(values) > 1 else np.full(values.shape[1:], np.nan)
        case "rms":
            return np.sqrt(np.mean(values**2, axis=0))
        case _:
            return getattr(np, over)(values, axis=0)


class Expression:
    """Seeds first: `total` reduces each cell's seeds and then combines; `rows` combines within each seed."""

    def total(self, source: Source) -> np.ndarray:
        """Value over all seeds, shape (…)."""
        return self._combine(lambda cell, over: over_seeds(source(cell), over))

    def rows(self, source: Source) -> np.ndarray:
        """Value of each seed, shape (seeds, …); `over` is off."""
        return self._combine(lambda cell, _over: source(cell))

    def folds(self, source: Source) -> bool:
        """Whether `abs` meets seeds of both signs, so that the mean of its rows is not its total."""
        return False

    def _combine(self, read: Callable[[Cell, str], np.ndarray]) -> np.ndarray:
        raise NotImplementedError

    def cells(self) -> Iterator[tuple[Cell, str]]:
        """Every cell it reads, with how its seeds are reduced."""
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(Expression):
    """A number."""

    value: float

    def _combine(self, read: Callable[[Cell, str], np.ndarray]) -> np.ndarray:
        return np.asarray(self.value, dtype=float)

    def cells(self) -> Iterator[tuple[Cell, str]]:
        yield from ()


@dataclass(frozen=True)
class Read(Expression):
    """The values of one cell."""

    cell: Cell
    over: str

    def _combine(self, read: Callable[[Cell, str], np.ndarray]) -> np.ndarray:
        return read(self.cell, self.over)

    def cells(self) -> Iterator[tuple[Cell, str]]:
        yield self.cell, self.over


_REDUCE: dict[str, Callable[[list[np.ndarray]], np.ndarray]] = {
    "mean": lambda parts: np.mean(parts, axis=0),
    "median": lambda parts: np.median(parts, axis=0),
    "sum": lambda parts: np.sum(parts, axis=0),
    "diff": lambda parts: parts[0] - parts[1],
    "ratio": lambda parts: parts[0] / parts[1],
    "abs": lambda parts: np.abs(parts[0]),
}


@dataclass(frozen=True)
class Combined(Expression):
    """Several expressions by `mean`, `median`, `sum`, `diff`, `ratio` or `abs`, then × times + plus."""

    kind: str
    parts: tuple[Expression, ...]
    times: float = 1
    plus: float = 0

    def _combine(self, read: Callable[[Cell, str], np.ndarray]) -> np.ndarray:
        parts = [part._combine(read) for part in self.parts]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return _REDUCE[self.kind](list(np.broadcast_arrays(*parts))) * self.times + self.plus

    def folds(self, source: Source) -> bool:
        inner = self.parts[0].rows(source) if self.kind == "abs" else np.zeros(1)
        return bool(inner.min() < 0 < inner.max()) or any(part.folds(source) for part in self.parts)

    def cells(self) -> Iterator[tuple[Cell, str]]:
        for part in self.parts:
            yield from part.cells()


def scaled(part: Expression, times: float, plus: float) -> Expression:
    """`part` × times + plus."""
    return part if times == 1 and plus == 0 else Combined("sum", (part,), times, plus)


def mean(parts: list[Expression]) -> Expression:
    """Mean of several expressions; one stays as it is."""
    return parts[0] if len(parts) == 1 else Combined("mean", tuple(parts))
