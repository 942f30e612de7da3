"""Evidence that rows left no trace: attacks on a model, each beside what a model that never saw the rows would give.

Grades: `quick` retrains nothing, `standard` adds 5 retrained models, `strong` 16 retrained and 16 models that were
trained and unlearned again, all of fresh seeds; the plan makes them. `neurosieve.evaluation.evidence` decides.

Rows as units, about this model (also on each export target): `loss` threshold (Yeom et al. 2018) and `entropy` (Foster
et al. 2024, without its regression: the AUC needs none) rank forget rows above rows never trained on, which are the
test rows that the request covers, or all test rows where it covers none. Their null is 0.5, which is right only where
both kinds of rows are alike; with retrained models it is what those give on the same rows. Models as units, about the
method (grade strong): `u-lira` (Hayes et al. 2024), `class` and `detectability`, `relearning`. Beside them, deciding
nothing: `u-lira-offline`, its weaker one-sided score, `klom` with its own floor (Georgiev et al. 2024), distances of
`outputs` and `weights`.

Each attack writes, at attack=<name>, `evidence_estimate` with its 95 % interval, the null's range, `evidence_margin`,
the errors `evidence_inside_p` and `evidence_outside_p` at which the interval lies inside or outside the margin, and
where there is a model before, `evidence_before`. A regression output is attacked by its squared error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.evaluation.attacks import pool
from neurosieve.evaluation.attacks.copies import copies
from neurosieve.evaluation.attacks.rows import Answers, Rows, rows_as_units
from neurosieve.evaluation.attacks.tidy import reported
from neurosieve.evaluation.attacks.whole import alike, output_distance, weight_distance

VIEWS = ("forget", "retain")
TARGETS = True
SHADOWS = (("standard", 5, 0), ("strong", 16, 16))
"""Grade, retrained models, models that were trained and unlearned again."""
SAME = 0.01
"""Mean total variation distance below which a model answers as before."""


class Params(BaseModel):
    """Fixed before anything is measured."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    grade: Literal["quick", "standard", "strong"] = "quick"
    """How many models are trained again: none; 5 without the rows; 16 without and 16 that unlearn."""
    retrained: str = "retrained"
    """The variant that is trained without the rows; `quick` needs none."""
    shadows: int | None = Field(None, ge=8)
    """So many models of each kind that the grade has, in place of 5 or 16."""
    attempt: int = Field(1, ge=1)
    """Which attempt at this request it is: each has shadow models of its own."""
    margin: float = Field(0.1, gt=0, lt=0.5)
    """Largest distance of an attack's AUC from the null that counts as no trace, rows as units."""
    model_margin: float = Field(0.25, gt=0, lt=0.5)
    """The same with models as units: 0.25 lets an attacker who is shown one of each be right three times of four."""
    near: float = Field(0.1, ge=0)
    """Rows closer than this share of the inputs' spread are near-duplicates."""
    relearn_lr: float = Field(0.01, gt=0)
    """Step size of relearning."""
    relearn_level: float = Field(0.9, gt=0, le=1)
    """Share of the accuracy before, on the forget rows, at which they count as known again."""
    relearn_steps: int = Field(60, ge=1)
    """Steps of relearning, at most."""


def evaluate(view: View, params: Params, seed: int) -> pl.DataFrame:
    """Rows on split forget, see the module. Raises UserError where outputs are not finite."""
    rows, before = Rows.of(view.data), _before(view)
    own = rows.answers(view)
    earlier = rows.answers(View(view.data, before)) if before is not None else None
    retrained = [rows.answers(View(view.data, model)) for model in view.shadows.get("retrained", ())]
    found = [*rows_as_units(rows, own, earlier, retrained, params.margin), *_counts(view, params)]
    if rows.classes:
        found += _outputs(view, own, earlier, retrained)
    if view.target == "native":
        found += _weights(view, before, len(own[0]))
        if view.shadows.get("unlearned"):
            draw = np.random.default_rng(seed)
            found += pool.models_as_units(view, rows, params.model_margin, draw)
            if before is not None and rows.classes:
                rule = params.relearn_level, params.relearn_lr, params.relearn_steps
                found += pool.relearning(view, before, params.model_margin, *rule)
    return frame(replace(one, split="forget") for one in found)


def _before(view: View) -> Model | None:
    """The model that learned the rows: the training behind the variant; None where that never saw them."""
    trained = [step for step in view.steps if step.stage == "train" and not step.beside]  # one, or one per shard
    if any(step.rows != "all" for step in trained):
        return None
    return view.parents[-1] if view.parents else view.model


def _outputs(view: View, own: Answers, earlier: Answers | None, retrained: list[Answers]) -> Iterator[Measure]:
    """Distance of the answers to forget rows from retrained models', beside theirs among themselves."""
    if len(retrained) > 1:
        apart = [output_distance(own[0], other[0]) for other in retrained]
        among = [output_distance(a[0], b[0]) for k, a in enumerate(retrained) for b in retrained[:k]]
        yield from reported("outputs", apart, among, len(own[0]))
    if view.parents and earlier is not None:
        yield Measure("evidence_unchanged", float(output_distance(own[0], earlier[0]) < SAME), n=len(own[0]))


def _weights(view: View, before: Model | None, n: int) -> Iterator[Measure]:
    """Distance of the weights from the model before, beside that of retrained models."""
    import torch

    models = [*([view.model] if view.model else []), *view.shadows.get("retrained", ())]
    if before is None or not view.parents or not all(isinstance(m.system, torch.nn.Module) for m in models):
        return
    if not alike(models[0].system, before.system):
        return  # units were removed
    apart, *others = (weight_distance(model.system, before.system) for model in models)
    yield from reported("weights", [apart], others, n)


def _counts(view: View, params: Params) -> Iterator[Measure]:
    """Models there were to compare with, copies of the rows among retained ones."""
    forget, retain = view.data.forget, view.data.retain
    exact, near = copies(forget.x, retain.x, params.near)
    values = {kind: len(view.shadows.get(kind, ())) for kind in ("retrained", "unlearned")}
    values |= {"copies": exact, "near_copies": near}
    yield from (Measure(f"evidence_{name}", value, n=len(forget)) for name, value in values.items())
