"""Dense Hebbian network in factor form: couplings E [N, K], from which every field follows; never a tensor.

H = -scale (N/P) sum_mu ((1/N) sum_i E_{i mu} s_i)^P (arXiv 2212.00606). Beside E [N, K] stand `classes` [K], the label
each column answers for; `centre` [N] and `norms` [K], what centring took away (0 and 1 where nothing was); `scale` [],
the factor of H: R^(-P/2) for example means, 1/M for single examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.kernels import glauber
from neurosieve.models.arrays import Arrays

DRAWS = False
ROUNDING = 1e-6
"""Differences of means below it are those of single precision."""


class Params(BaseModel):
    """The interaction, and how inputs become spins."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    order: int = Field(4, ge=2)
    """Interaction order P: 2 is a Hopfield network; an odd order tells a pattern from its negative."""
    threshold: float = 0.0
    """Inputs above it are spins +1, others -1."""
    sweeps: int = Field(5, ge=1)
    """Sweeps of a retrieval at temperature 0."""
    sites: Literal["permutation", "random_site"] = "permutation"
    """permutation: each spin once per sweep, in a fresh order; random_site: any spin at each step."""


class Factor(Arrays):
    """Couplings of a P-body memory; `params` say how it works."""

    resizable = frozenset({"E", "classes", "norms"})

    def __init__(self, params: Params, spins: int) -> None:
        super().__init__(
            E=np.zeros((spins, 0), np.float32),
            classes=np.zeros(0, np.int64),
            centre=np.zeros(spins, np.float32),
            norms=np.zeros(0, np.float32),
            scale=np.ones((), np.float64),
        )
        self.params = params

    @property
    def couplings(self) -> np.ndarray:
        """E [N, K] in double precision, row-major."""
        return np.ascontiguousarray(self["E"], np.float64)

    def spins(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs [rows, ...] as spins -1 and +1 [rows, N]."""
        return np.where(inputs.reshape(len(inputs), -1) > self.params.threshold, 1.0, -1.0)

    def overlaps(self, states: np.ndarray) -> np.ndarray:
        """(1/N) sum_i E_{i mu} s_i of states [rows, N], [rows, K]."""
        return states @ self.couplings / states.shape[1]

    def fields(self, states: np.ndarray) -> np.ndarray:
        """Fields [rows, N] of states [rows, N]."""
        couplings, scale = self.couplings, float(self["scale"])
        return np.array([glauber.fields(couplings, state, self.params.order, scale) for state in states])

    def energies(self, states: np.ndarray) -> np.ndarray:
        """H [rows] of states [rows, N]."""
        couplings, scale = self.couplings, float(self["scale"])
        return np.array([glauber.energy(couplings, state, self.params.order, scale) for state in states])

    def recall(self, states: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """States [rows, N] after the retrieval's sweeps at temperature 0."""
        shape = (len(states), self.params.sweeps, states.shape[1])
        return glauber.relax(
            self.couplings, states, self.params.order, 1.0, glauber.sites(self.params.sites, shape, rng)
        )

    def stepped(self, states: np.ndarray) -> np.ndarray:
        """States [rows, N] after all spins were updated once, together, at temperature 0: what a device's step does."""
        couplings = self.couplings
        return np.array([glauber.update(couplings, state, self.params.order, 1.0) for state in states])

    def answers(self, states: np.ndarray) -> np.ndarray:
        """Label [rows] of the column that each state [rows, N] overlaps most."""
        return self["classes"][np.argmax(self.overlaps(states), axis=1)]

    def holding(self, means: np.ndarray, classes: np.ndarray, *, centred: bool, scale: float) -> Factor:
        """The same network with these means [N, K] of spins as couplings, `classes` [K] their labels.

        `centred` subtracts from each pixel the mean over the columns and scales each column to the norm sqrt(N). Raises
        ValueError where a column is then 0: constant inputs.
        """
        centre, norms = np.zeros(len(means)), np.ones(means.shape[1])
        columns = means
        if centred:
            centre = means.mean(axis=1)
            columns = means - centre[:, None]
            # a pixel that is alike in all classes is 0, not a rounding error that would decide its spin
            columns = np.where(np.abs(columns) < ROUNDING, 0.0, columns)
            norms = np.sqrt((columns**2).mean(axis=0))
            if not norms.all():
                label = classes[np.argmin(norms)]
                raise ValueError(f"column of class {label} is 0 after centring: all classes have the same pixels")
        return self.changed(
            E=(columns / norms).astype(np.float32),
            classes=np.asarray(classes, np.int64),
            centre=centre.astype(np.float32),
            norms=norms.astype(np.float32),
            scale=np.float64(scale),
        )

    @property
    def means(self) -> np.ndarray:
        """What the columns were before centring [N, K]."""
        return self.couplings * self["norms"] + self["centre"][:, None]


def build(params: Params, schema: Mapping[str, Any]) -> Factor:
    """An empty memory of as many spins as an input has numbers."""
    return Factor(params, int(np.prod(schema["input_shape"])))
