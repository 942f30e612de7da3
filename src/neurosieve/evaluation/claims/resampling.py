"""Bootstrap over items: the same items for both sides, seeds kept, resampled with them only from ten seeds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from neurosieve.evaluation.claims.expressions import Expression, Source
from neurosieve.evaluation.claims.table import Cell, Items, Table, Unclear

RESAMPLES = 2000
HIERARCHICAL_FROM = 10
"""Seeds needed before seeds are resampled too."""
_CHUNK = 100


@dataclass(frozen=True)
class Paired:
    """Items of every cell of a compare, paired: `values[cell]` has one array (items,) per seed."""

    seeds: tuple[int, ...]
    values: dict[Cell, list[np.ndarray]]
    names: list[tuple[str, ...]]

    @property
    def crossed(self) -> bool:
        """All seeds look at the same items."""
        return all(names == self.names[0] for names in self.names)

    @property
    def count(self) -> int:
        """Different items: those of one seed where the seeds share them, else of all seeds together."""
        return len(self.names[0]) if self.crossed else sum(map(len, self.names))

    def per_item(self, expression: Expression) -> np.ndarray:
        """A quantity of each item, shape (items,): averaged over seeds that share items, else one after the other."""
        by_seed = []
        for place, names in enumerate(self.names):
            rows = expression.rows(lambda cell, place=place: self.values[cell][place][None])
            by_seed.append(np.broadcast_to(rows, (1, len(names)))[0])
        return np.mean(by_seed, axis=0) if self.crossed else np.concatenate(by_seed)


def pair_items(items: Items, table: Table, cells: list[Cell], seeds: tuple[int, ...]) -> Paired:
    """Items of `cells` for `seeds`. Raises Missing without items, Unclear where two cells have different ones."""
    values: dict[Cell, list[np.ndarray]] = {}
    names: list[tuple[str, ...]] = []
    for cell in cells:
        found = items.values(cell)
        arrays = []
        for place, seed in enumerate(seeds):
            here = next(iter(found.values())) if table.fixed(cell) else found.get(seed)
            if here is None:
                raise Unclear(f"{cell.label}: no items for seed {seed}")
            if len(names) <= place:
                names.append(here[0])
            elif names[place] != here[0]:
                raise Unclear(f"items not paired: {cell.label}, seed {seed}, has other items than {cells[0].label}")
            arrays.append(here[1])
        values[cell] = arrays
    return Paired(seeds, values, names)


def resampled_seeds(expressions: list[Expression], source: Source, key: str) -> list[np.ndarray]:
    """Each expression's total over RESAMPLES resamples of the seeds, the same for all; drawn from `key` alone."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))
    seeds = max((len(source(cell)) for one in expressions for cell, _ in one.cells()), default=1)
    drawn = rng.integers(0, seeds, (seeds, RESAMPLES))
    return [np.broadcast_to(one.total(lambda cell: source(cell)[drawn]), (RESAMPLES,)) for one in expressions]


def resampled(expressions: list[Expression], items: Paired, key: str, seeds_too: bool) -> list[np.ndarray]:
    """Each expression over RESAMPLES resamples of the items, shape (RESAMPLES,); drawn from `key` alone.

    Seeds that share items are resampled together, others each by itself; `seeds_too`: seeds first, then items.
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))
    cells = list(items.values)
    means = {cell: np.empty((len(items.seeds), RESAMPLES)) for cell in cells}
    for start in range(0, RESAMPLES, _CHUNK):
        weights = None
        for place, names in enumerate(items.names):
            if weights is None or not items.crossed:
                weights = _weights(rng, len(names))
            stacked = np.stack([items.values[cell][place] for cell in cells])
            for cell, row in zip(cells, stacked @ weights.T, strict=True):
                means[cell][place, start : start + _CHUNK] = row
    if seeds_too:
        drawn = rng.integers(len(items.seeds), size=(len(items.seeds), RESAMPLES))
        means = {cell: np.take_along_axis(values, drawn, axis=0) for cell, values in means.items()}
    return [np.broadcast_to(expression.total(lambda cell: means[cell]), (RESAMPLES,)) for expression in expressions]


def _weights(rng: np.random.Generator, count: int) -> np.ndarray:
    """How often each item is drawn, as a share; shape (_CHUNK, count), rows sum to 1."""
    drawn = rng.integers(count, size=(_CHUNK, count)) + np.arange(_CHUNK)[:, None] * count
    return np.bincount(drawn.ravel(), minlength=_CHUNK * count).reshape(_CHUNK, count) / count


def percentile_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """Percentile interval of resampled values."""
    low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
