"""What a study would cost, from one batch that is timed: an estimate, not a promise.

A step passes over the rows that it reads as often as its `epochs` say, once where it has none; every candidate of a
`choose` is a step of its own. Evaluations pass over all rows, for the model and for the one before.
"""

from __future__ import annotations

import copy
import resource
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from torch import nn

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.view import module_runtime
from neurosieve.optim.losses import supervised
from neurosieve.plan.components import find
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import Node

BATCH, WIDE = 64, 500
"""Rows of a step, and of a batch that is only measured."""
JOB = 0.2
"""CPU seconds that a job costs beside its passes."""
EXPORT = 2.0
"""CPU seconds to write and load an export."""
HELD = 8
"""Copies of the weights that the hungriest steps hold: gradients, optimiser, importances, the model before."""


@dataclass(frozen=True)
class Rows:
    """Rows by what reads them: the training split, the part to forget in it, and all splits together."""

    train: int
    forget: int
    validation: int
    everything: int


@dataclass(frozen=True)
class Pace:
    """CPU seconds per row, forward and backward and forward alone, and megabytes at the peak, dataset included."""

    learn: float
    answer: float
    megabytes: float


def pace(network: nn.Module, split: Split) -> Pace:
    """Time one batch of a copy, after a first one that warms up."""
    work = copy.deepcopy(network).train()
    some, many = (_first(split, rows) for rows in (BATCH, WIDE))
    inputs, labels = some.tensor(), some.tensor(some.info.target)

    def step() -> None:
        work.zero_grad()
        supervised(work, inputs, labels).backward()

    run = module_runtime(copy.deepcopy(network))
    learn, answer = _seconds(step) / len(some), _seconds(lambda: run(many.x)) / len(many)
    weights = sum(value.numel() * value.element_size() for value in network.state_dict().values())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Pace(learn, answer, peak + HELD * weights / 1e6)


def _first(split: Split, rows: int) -> Split:
    return split.take(np.linspace(0, len(split) - 1, min(len(split), rows)).round().astype(int))


def _seconds(work: Any, times: int = 3) -> float:
    """CPU seconds of the quickest of some calls, after one that does not count."""
    work()
    spent = []
    for _ in range(times):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return max(min(spent), 1e-6)


def seconds(node: Node, rows: Rows, at: Pace, source: Source) -> float:
    """CPU seconds that a node would take."""
    recipe = node.recipe
    if node.stage in ("prepare", "verdict"):
        return JOB
    if node.stage == "export":
        return EXPORT + 2 * WIDE * at.answer
    if node.stage == "evaluate":
        return JOB + 2 * rows.everything * at.answer
    package, _, use = recipe["component"]["use"].partition(".")
    component, params = find(source, package, use), recipe["params"]
    passes = params.get("epochs", 0 if component.given or use.startswith("pruning.") else 1)
    once = passes * _read(node, component.views, rows) * at.learn
    if "choose" not in recipe:
        return JOB + once
    tried = prod(len(values) for values in recipe["choose"]["among"].values())
    return JOB + (tried + 1) * once + (tried + 1) * rows.validation * at.answer


def _read(node: Node, views: Iterable[str], rows: Rows) -> int:
    """Training rows that a training or intervention goes over."""
    retained = rows.train - rows.forget
    if node.stage == "train":
        held = retained if node.recipe.get("rows") == "retain" else rows.train
        return held // max(1, int(node.recipe.get("shard", {}).get("count", 1)))
    asked = set(views)
    return rows.forget if asked == {"forget"} else retained if asked == {"retain"} else rows.train


def by_step(nodes: Iterable[Node], rows: Rows, at: Pace, source: Source) -> dict[str, float]:
    """CPU seconds by component, the dearest first."""
    total: dict[str, float] = {}
    for node in nodes:
        name = _called(node.recipe)
        total[name] = total.get(name, 0.0) + seconds(node, rows, at, source)
    return dict(sorted(total.items(), key=lambda pair: -pair[1]))


def _called(recipe: Mapping[str, Any]) -> str:
    return recipe["component"]["use"].partition(".")[2] if "component" in recipe else "verdict"


def shown(spent: float) -> str:
    """`0.4 s`, `12 s`, `3 min`, `2.5 h`."""
    if spent < 60:
        return f"{spent:.1f} s" if spent < 10 else f"{spent:.0f} s"
    return f"{spent / 60:.0f} min" if spent < 3600 else f"{spent / 3600:.1f} h"
