"""What leaving a training sequence out does to switching Poisson GLMs: couplings of a refit beside the original's.

Looks at pairs of variants `<name>` and `<name>-retrained` at one point of the axes. States are matched by the bins of
the test split on which both agree; weight_change is the Frobenius norm of the difference of all couplings, written for
the refit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.view import View
from neurosieve.models.neural.hmm_glm import HmmGlm, matching

LOOKS_AT = "study"
RETRAINED = "-retrained"


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """One row per refit whose original is there at the same point."""
    return frame(_changes(view))


def _changes(view: View) -> Iterator[Measure]:
    counts = view.data.test.x.astype(np.float64)
    for name, refit in view.variants.items():
        variant, at, axes = name.partition("@")
        original = view.variants.get(variant.removesuffix(RETRAINED) + at + axes)
        if variant.endswith(RETRAINED) and original is not None:
            systems = [one.model.system for one in (refit, original) if one.model is not None]
            yield Measure("weight_change", change(systems[0], systems[1], counts), variant=name)


def change(refit: HmmGlm, original: HmmGlm, counts: np.ndarray) -> float:
    """Frobenius norm of the difference of couplings, states matched on counts [B, T, N]."""
    found, wanted = (system.posterior(counts)[0].argmax(axis=-1) for system in (refit, original))
    order = matching(found, wanted, refit.states, original.states)
    return float(np.linalg.norm(refit.weights()[np.argsort(order)] - original.weights()))
