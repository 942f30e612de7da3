"""Amnesiac unlearning by relabelling: forget rows get a random wrong label and the model trains on with all rows.

Graves, Nagisetty, Ganesh (AAAI 2021), as a baseline of Foster et al. 2024: 3 epochs of Adam, batch 128, on the
relabelled forget rows and all retained rows. Their rate is 1e-4; small networks need 1e-3 (the default here).
A row's new label is uniform over all classes but its own: for a whole class that is any class but the forgotten one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.optim.loop import Recipe, columns_of, fit, generator, warm_up
from neurosieve.optim.losses import supervised

VIEWS = ("forget", "retain")


class Params(BaseModel):
    """The recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    epochs: int = Field(3, ge=1)
    """Passes over relabelled and retained rows."""
    lr: float = Field(1e-3, gt=0)
    """Learning rate of Adam (the authors': 1e-4)."""
    batch: int = Field(128, ge=2)
    """Rows per step."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The model trained on with wrong labels for the forget rows. Logs one row per epoch."""
    if len(data.forget) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    data.info.require_classes("unlearning.amnesiac")
    forget, retain = (columns_of(part, model.device) for part in (data.forget, data.retain))
    recipe = Recipe(params.epochs, params.batch, params.lr, "adam")
    system = copy.deepcopy(model.system)
    warm_up(system, retain, supervised, recipe)
    with log.timed("intervention_seconds"):
        draws = _draws(int(model.schema["classes"]), generator(seed, "amnesiac labels"))
        labels = wrong_labels(forget[1], draws)
        columns = [torch.cat([forget[0], retain[0]]), torch.cat([labels, retain[1]])]
        order = generator(seed, "amnesiac order")
        resume = log.resume("relabelled")
        history = fit(system, columns, supervised, recipe, order, model.role("mask"), resume=resume)
    for row in history:
        log.step(**row)
    return model.with_(system=system)


def wrong_labels(labels: Tensor, draws: Iterator[int]) -> Tensor:
    """New labels [rows]: row by row the next draw that is not the row's own label."""
    return torch.tensor(
        [next(draw for draw in draws if draw != own) for own in labels.tolist()],
        dtype=labels.dtype,
        device=labels.device,
    )


def _draws(classes: int, source: torch.Generator) -> Iterator[int]:
    if classes < 2:
        raise UserError("unlearning.amnesiac needs at least two classes: there is no wrong label")
    while True:
        yield int(torch.randint(classes, (1,), generator=source))
