"""Reading patterns through noise on every entry of the explicit coupling tensor, over its strength omega and over P.

J_{i j ..} = sum_mu xi_i xi_j .. + omega z, z standard normal and symmetrised over the slot of the spin that is updated
(variance kept); entries with a repeated index are left out by default. One update of all spins from each archetype at
temperature 0; overlap is the mean over archetypes, overlap_theory erf(N^((P-1)/2) / (omega sqrt 2)), at omega and P.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation.associative._memories import archetypes, system_of
from neurosieve.models.associative.theory import detection


class Params(BaseModel):
    """The grid."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    spins: int = Field(48, ge=2)
    """Spins N."""
    count: int = Field(3, ge=1)
    """Archetypes K."""
    orders: tuple[int, ...] = (2, 4)
    """Interaction orders P."""
    noise: tuple[float, ...] = (3, 15, 60, 240)
    """Standard deviations omega."""
    repeated: bool = False
    """Keep entries with a repeated index."""
    memory: float = Field(2.0, gt=0)
    """GB that the tensors may take."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows of every omega and P. Raises UserError where a tensor would be larger than the memory allowed."""
    system_of(view)
    return frame(_measured(view, params, seed))


def _measured(view: View, params: Params, seed: int) -> Iterator[Measure]:
    patterns = archetypes(view, params.spins, params.count).astype(np.float32)
    for order in params.orders:
        needed = 3 * 4 * params.spins**order
        if needed > params.memory * 1e9:
            raise UserError(
                f"associative.detection: tensors of {params.spins}^{order} entries take {needed} bytes,"
                f" {params.memory * 1e9:.0f} are allowed"
            )
        rng = np.random.default_rng([seed, order])
        signal, noise = tensor_fields(patterns, order, params.repeated, rng)
        for omega in params.noise:
            after = np.sign(signal + omega * noise)
            after = np.where(after == 0, patterns, after)
            at: dict[str, object] = {"omega": f"{omega:g}", "P": order}
            yield Measure("overlap", float((after * patterns).mean()), at=at, n=len(patterns))
            yield Measure("overlap_theory", detection(params.spins, order, omega), at=at)


def tensor_fields(
    patterns: np.ndarray, order: int, repeated: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fields [K, N] of signal and of noise of strength 1, each spin's, in the states `patterns` float32 [K, N]."""
    n = patterns.shape[1]
    letters = "ijklmnop"[:order]
    signal = np.einsum(",".join(f"z{one}" for one in letters) + f"->{letters}", *[patterns] * order, optimize=True)
    noise = rng.standard_normal(signal.shape, np.float32)
    if not repeated:
        index = np.ix_(*[np.arange(n)] * order)
        distinct = np.ones(signal.shape, bool)
        for one, other in combinations(range(order), 2):
            distinct &= index[one] != index[other]
        signal, noise = signal * distinct, noise * distinct
    seen = [
        [_contracted(tensor, state, slot) for slot in range(order)] for tensor in (signal, noise) for state in patterns
    ]
    slots = np.array(seen).reshape(2, len(patterns), order, n)
    return slots[0].mean(axis=1), slots[1].sum(axis=1) / np.sqrt(order)


def _contracted(tensor: np.ndarray, state: np.ndarray, slot: int) -> np.ndarray:
    """The tensor with a state [N] in every slot but one [N]."""
    found = np.moveaxis(tensor, slot, 0)
    for _ in range(tensor.ndim - 1):
        found = found @ state
    return found
