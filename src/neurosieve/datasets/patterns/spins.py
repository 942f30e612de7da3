"""Random archetypes and noisy examples of them, in spins -1 and +1, as dense Hebbian networks learn (arXiv 2212.00606).

Archetypes are Rademacher. An example flips each spin with probability (1 - r) / 2: r is the data's quality. Form
`means` has one row per archetype, `x` being the sum of its M examples, drawn at once from the binomial distribution
and never stored one by one; form `examples` has a row per example. Columns: x [N], count (examples behind the row),
label (number of the archetype), archetype int8 [N], hidden. The split test of form `examples` holds fresh examples of
each archetype, that of form `means` the archetypes themselves.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.kernels.noisy_examples import examples, rademacher, sums


class Params(BaseModel):
    """Size and quality of the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    spins: int = Field(100, ge=2)
    """Spins of a pattern, N."""
    archetypes: int = Field(500, ge=1)
    """Archetypes, K."""
    quality: float = Field(1.0, gt=0, le=1)
    """Mean product of a spin and its archetype's, r."""
    examples: int = Field(1, ge=1)
    """Examples of each archetype, M."""
    form: Literal["means", "examples"] = "means"
    """means: one row per archetype, the sum of its examples; examples: one row per example."""
    test: int = Field(1, ge=1)
    """Test examples of each archetype (form examples)."""


def prepare(params: Params, seed: int) -> Dataset:
    """Draw archetypes, then examples."""
    rng = np.random.default_rng([seed, params.spins])
    archetypes = rademacher(params.archetypes, params.spins, rng)
    if params.form == "means":
        drawn = sums(archetypes, params.quality, params.examples, rng)
        parts = {"train": (drawn, archetypes, params.examples), "test": (archetypes.astype(drawn.dtype), archetypes, 1)}
        splits = {name: _rows(name, *part) for name, part in parts.items()}
    else:
        splits = {}
        for name, times in (("train", params.examples), ("test", params.test)):
            drawn = examples(archetypes, params.quality, times, rng).reshape(-1, params.spins)
            splits[name] = _rows(name, drawn, np.repeat(archetypes, times, axis=0), 1, times)
    return Dataset.from_arrays(_info(params), splits)


def _rows(
    split: str, x: np.ndarray, archetypes: np.ndarray, count: int, times: int = 1
) -> dict[str, np.ndarray | list[str]]:
    return {
        "sample_id": [f"{split}{row:06d}" for row in range(len(x))],
        "x": x,
        "count": np.full(len(x), count),
        "label": np.arange(len(x)) // times,
        "archetype": archetypes,
    }


def _info(params: Params) -> DatasetInfo:
    return DatasetInfo(
        name=f"{params.archetypes} archetypes of {params.spins} spins",
        origin="simulated",
        source="drawn by seed",
        licence="none needed",
        inputs="x",
        target="label",
        columns={
            "sample_id": ColumnInfo(meaning="split and row"),
            "x": ColumnInfo(meaning="sum of the examples" if params.form == "means" else "one example"),
            "count": ColumnInfo(meaning="examples behind the row"),
            "label": ColumnInfo(meaning="number of the archetype"),
            "archetype": ColumnInfo(meaning="the pattern without noise", hidden=True),
        },
        notes=f"quality {params.quality}, {params.examples} examples of each archetype",
    )
