"""Simulated studies with an instrument that also acts on the outcome, one row per study (spec of Sun et al. 2022).

A row is one repetition of `size` persons: `x` [size, 5] covariates, uniform on (-1, 1); `z` [size] instrument, `a`
[size] treatment, both 0 or 1; `y` [size] outcome; `effect` (hidden) the average effect of the treatment, 1 in all
designs. u = +-1 is not observed and confounds. With s = expit:
g1: P(z) = s(.3 + x1 - .8 x2), P(a) = s(-2 + 2z + .25 x1 + .15 x3) + .06u, y = (1 + .5 x1) a + z + 1.5 x1 - 1.5 x2
+ .5 x4 + 3u + noise.
g2: with v = sign(x1) and w = 3 x2^2 - 1, P(z) = s(.2 + .8v - .8w), P(a) = s(-2 + 2z + .25v - .2w) + .05u,
y = (1 + .5 x4) a + z + 2v - 2w + 1.5u + noise.
g2l: g2 with v = 1.7 x1, w = 1.7 x2, so that all of it is linear.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo

EFFECT = 1.0


class Params(BaseModel):
    """Which design, how large, and how often."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    design: Literal["g1", "g2", "g2l"] = "g1"
    """How instrument, treatment and outcome come about."""
    size: int = Field(4000, ge=20)
    """Persons of one study."""
    studies: int = Field(30, ge=1)
    """Studies, each drawn by itself."""


def prepare(params: Params, seed: int) -> Dataset:
    """Draw the studies; more of them begin with the same ones."""
    drawn = [draw(params.design, params.size, np.random.default_rng([seed, i])) for i in range(params.studies)]
    columns = {name: np.array([one[name] for one in drawn]) for name in ("x", "z", "a", "y")}
    columns["effect"] = np.full(params.studies, EFFECT)
    columns["sample_id"] = np.array([f"study{i:04d}" for i in range(params.studies)])
    return Dataset.from_arrays(_info(params), {"train": columns})


def draw(design: str, size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One study: x [size, 5], z, a, y [size]."""
    x, u = rng.uniform(-1, 1, (size, 5)), rng.choice([-1.0, 1.0], size)
    beta, f, index, shift, base, confounding = _design(design, x)
    z = (rng.random(size) < f).astype(np.int8)
    a = (rng.random(size) < _expit(index + 2 * z) + shift * u).astype(np.int8)
    y = beta * a + z + base + confounding * u + rng.standard_normal(size)
    return {"x": x, "z": z, "a": a, "y": y}


def _design(design: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, np.ndarray, float]:
    """beta(x), P(z=1|x), logit of the treatment at z = 0, shift of it by u, outcome without z and u, effect of u."""
    if design == "g1":
        base = 1.5 * x[:, 0] - 1.5 * x[:, 1] + 0.5 * x[:, 3]
        f = _expit(0.3 + x[:, 0] - 0.8 * x[:, 1])
        return 1 + 0.5 * x[:, 0], f, -2 + 0.25 * x[:, 0] + 0.15 * x[:, 2], 0.06, base, 3.0
    v, w = (np.sign(x[:, 0]), 3 * x[:, 1] ** 2 - 1) if design == "g2" else (1.7 * x[:, 0], 1.7 * x[:, 1])
    f = _expit(0.2 + 0.8 * v - 0.8 * w)
    return 1 + 0.5 * x[:, 3], f, -2 + 0.25 * v - 0.2 * w, 0.05, 2 * v - 2 * w, 1.5


def _expit(value: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-value))


def _info(params: Params) -> DatasetInfo:
    return DatasetInfo(
        name=f"{params.studies} simulated studies of design {params.design}",
        origin="simulated",
        source="drawn by seed",
        licence="none needed",
        inputs="x",
        columns={
            "sample_id": ColumnInfo(meaning="study"),
            "x": ColumnInfo(meaning="covariates, person by person"),
            "z": ColumnInfo(meaning="instrument, 0 or 1"),
            "a": ColumnInfo(meaning="treatment, 0 or 1"),
            "y": ColumnInfo(meaning="outcome"),
            "effect": ColumnInfo(meaning="true average effect of the treatment", hidden=True),
        },
    )
