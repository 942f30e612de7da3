"""Cells that sort themselves by local policies, or the controller that sorts them (Zhang, Goldstein and Levin 2024).

The state is what every run shares: policies, goals and damage. `policies` [policies] are run one after the other, each
on an array of its own; in mixed arrays `pairs` [pairs, 2] are. `down` [2] are the goals of the two types, `frozen`
[levels] numbers of frozen cells, `movable` [kinds] whether others may swap with a frozen cell. What one activation does
stands in `kernels.sorting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosieve.kernels import sorting
from neurosieve.models.arrays import Arrays

DRAWS = False
Policy = Literal["bubble", "insertion", "selection", "random"]
CODES: Mapping[str, int] = {
    "bubble": sorting.BUBBLE,
    "insertion": sorting.INSERTION,
    "selection": sorting.SELECTION,
    "random": sorting.RANDOM,
}


class Params(BaseModel):
    """Who sorts, and how cells take turns."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    view: Literal["cell", "controller"] = "cell"
    """cell: every cell acts by itself; controller: the classical algorithm, which does not notice damage."""
    policies: tuple[Policy, ...] = ("bubble", "insertion", "selection")
    """Policies, each on arrays of its own (`random` swaps with a random neighbour, a floor; cells only)."""
    mixed: bool = False
    """Arrays of two types instead, every pair of the policies."""
    labels_only: bool = False
    """In mixed arrays: types are labels without meaning and all cells follow one policy (the null of clustering)."""
    schedule: Literal["sweep", "uniform"] = "sweep"
    """sweep: every cell acts once in a fresh random order; uniform: one random cell per tick."""
    idle: int = Field(60, ge=1)
    """Sweeps without a change after which a run ends."""
    most: int = Field(15_000, ge=1)
    """Swaps after which a run ends."""

    @model_validator(mode="after")
    def _possible(self) -> Params:
        if self.view == "controller" and (self.mixed or "random" in self.policies):
            raise ValueError("a controller sorts by one classical algorithm: neither mixed arrays nor policy random")
        if len(set(self.policies)) < (2 if self.mixed else 1):
            raise ValueError(f"policies {list(self.policies)}: mixed arrays need two that differ, others one")
        return self


class Sorters(Arrays):
    """Policies with their goals and their damage; `params` say who sorts and how."""

    resizable = frozenset({"frozen", "movable"})

    def __init__(self, params: Params) -> None:
        codes = [CODES[name] for name in params.policies]
        pairs = [(a, b) for i, a in enumerate(codes) for b in codes[i + 1 :]] if params.mixed else []
        super().__init__(
            policies=np.array(codes),
            pairs=np.array([PAIR_ORDER.get(pair, pair) for pair in pairs]).reshape(-1, 2),
            down=np.zeros(2, np.int64),
            frozen=np.zeros(1, np.int64),
            movable=np.ones(1, np.int64),
        )
        self.params = params

    def run(
        self,
        values: np.ndarray,
        policy: np.ndarray,
        types: np.ndarray,
        down: np.ndarray,
        frozen: np.ndarray,
        movable: bool,
        rng: np.random.Generator,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """Sort one array, all arguments by cell; a controller follows the first cell's policy, upwards.

        Returns descents and neighbours of one type after each swap [swaps], the cells by position [cells], and how
        many values were read.
        """
        if self.params.view == "controller":
            errors, cells, reads = sorting.top_down(values, int(policy[0]), frozen, movable)
            return errors, np.full(len(errors), len(values) - 1), cells, reads
        uniform = self.params.schedule == "uniform"
        errors, alike, cells, reads, _ = sorting.run(
            values,
            policy,
            types,
            down,
            frozen,
            movable,
            not down.any(),
            uniform,
            self.params.idle,
            self.params.most,
            rng,
        )
        return errors, alike, cells, reads


PAIR_ORDER = {(CODES["insertion"], CODES["selection"]): (CODES["selection"], CODES["insertion"])}
"""The paper names the pair of selection and insertion SI."""


def build(params: Params, schema: Mapping[str, Any]) -> Sorters:
    """Intact sorters: nothing frozen, both types ascending."""
    return Sorters(params)
