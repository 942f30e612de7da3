"""Selective synaptic dampening against the retained rows, alpha and lambda chosen by a rule (Goel et al. 2024).

Unlike `unlearning.ssd`, the reference importance is that of the retained rows (S without S_f: it still holds bad rows
that nobody identified), and shuffled batches are used. Every pair of alpha and lambda / alpha is tried on validation
rows and the identified rows (`kernels.correction`); the first of equals wins. The history is the table of candidates.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.interventions.analysis.importance import importances, warm_up
from neurosieve.kernels.correction import floor_of, score
from neurosieve.kernels.dampen import dampen_grid
from neurosieve.kernels.layout import lay_out
from neurosieve.models.state import assign, flat
from neurosieve.optim.loop import columns_of, generator

VIEWS = ("forget", "retain")
RULE = {"mode": "batch", "loss": "ce"}
HELD = 2**26
"""Weights of candidates that are held at once."""
SLICE = 512
"""Rows per forward pass."""


class Params(BaseModel):
    """The grid."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    alphas: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300)
    """A weight is selected where its importance for the forget rows exceeds alpha times that for the retained ones."""
    ratios: tuple[float, ...] = (0.1, 0.3, 1, 3, 10)
    """lambda / alpha."""
    batch: int = Field(64, ge=1)
    """Rows per batch of the importances."""


def intervene(model: Model, data: Data, params: Params, seed: int, log: Log) -> Model:
    """The dampened model. Logs per candidate alpha, lambda, selected, accuracy, share and score.

    Raises UserError when nothing is identified or there are no validation rows.
    """
    if len(data.forget) == 0:
        raise UserError("forget set is empty: nothing to forget; check the study's forget rule")
    rule = {**RULE, "batch": params.batch}
    warm_up(model, data.forget, rule)
    points = [(alpha, alpha * ratio) for alpha, ratio in itertools.product(params.alphas, params.ratios)]
    with log.timed("intervention_seconds"):
        draw = generator(seed, "ssd batches")
        reference, forget = (_importance(model, part, rule, draw) for part in (data.retain, data.forget))
        work = lay_out(copy.deepcopy(model.system).eval(), torch.channels_last)
        parameters: list[Tensor] = list(work.parameters())
        theta, judge = flat(parameters), _judge(work, data, model.device)
        rows, best, chosen = [], 0, theta
        for point, vector, count in _candidates(theta, reference, forget, points):
            assign(parameters, vector)
            rows.append({"alpha": point[0], "lambda": point[1], "selected": count, **judge(vector)})
            if rows[-1]["score"] > rows[best]["score"] or len(rows) == 1:
                best, chosen = len(rows) - 1, vector.copy()
        assign(parameters, chosen)
    for place, row in enumerate(rows):
        log.step(**row, chosen=place == best)
    return model.with_(system=lay_out(work, torch.contiguous_format))


def _candidates(
    theta: np.ndarray, reference: np.ndarray, forget: np.ndarray, points: list[tuple[float, float]]
) -> Iterator[tuple[tuple[float, float], np.ndarray, int]]:
    """Pairs of alpha and lambda with the dampened weights [n] and how many were selected; not all are held at once."""
    step = max(1, HELD // theta.size)
    for start in range(0, len(points), step):
        some = points[start : start + step]
        vectors, selected = dampen_grid(theta, reference, forget, *np.array(some).T.copy())
        yield from zip(some, vectors, selected.tolist(), strict=True)


def _judge(module: nn.Module, data: Data, device: str) -> Callable[[np.ndarray], dict[str, float]]:
    """What judges the module's weights as they are, given as a vector too: equal ones are judged once.

    Accuracy on validation rows, share of forget rows still predicted as labelled, and the rule's score.
    """
    parts = [columns_of(part, device) for part in (data.validation, data.forget)]
    floor = floor_of(data.forget.y, len(data.info.class_names))
    known: dict[bytes, dict[str, float]] = {}

    def judge(vector: np.ndarray) -> dict[str, float]:
        name = hashlib.blake2b(vector.tobytes(), digest_size=16).digest()
        if name not in known:
            accuracy, share = (_agreement(module, *part) for part in parts)
            known[name] = {"accuracy": accuracy, "share": share, "score": score(accuracy, share, floor)}
        return known[name]

    return judge


def _importance(model: Model, part: Split, rule: dict, draw: torch.Generator) -> np.ndarray:
    batches = list(torch.randperm(len(part), generator=draw).split(rule["batch"]))
    found = importances(model, part, rule, batches)
    return flat([found[name] for name, _ in model.system.named_parameters()])


def _agreement(module: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """Share of rows that the module, in eval mode, predicts as labelled."""
    with torch.inference_mode():
        pieces = zip(inputs.split(SLICE), labels.split(SLICE), strict=True)
        return sum(int((module(x).argmax(dim=1) == y).sum()) for x, y in pieces) / len(labels)
