"""What `neurosieve check` tells of data and model: sizes, the classes' numbers, how one batch is answered."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.dataset import Dataset, DatasetInfo, Split
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import View
from neurosieve.own.permuted import Agreement, agreement

Say = Callable[[str], None]
BATCH = 512
"""Rows that the model is tried on, evenly spread: rows may be stored class after class."""
CLASSES = 40
"""Classes that the table lists."""


def tell_data(data: Dataset, say: Say) -> None:
    """Sizes, whose rows they are, and a line per class: its number among the outputs, its name, its rows by split."""
    info, x = data.info, data.split("train").x
    parts = ", ".join(f"{len(split)} {name}" for name, split in data.splits.items())
    total = sum(map(len, data.splits.values()))
    size = total * x.dtype.itemsize * max(1, int(np.prod(x.shape[1:]))) / 1e6
    say(f"data · {info.name}: {total} rows ({parts}); inputs {list(info.input_shape)} {x.dtype}, {size:.1f} MB")
    owner = "no column says whose a row is"
    if info.subject:
        subjects = np.unique(np.concatenate([split[info.subject] for split in data.splits.values()]))
        owner = f"{len(subjects)} subjects by '{info.subject}'"
    fitted = f"computed from {' and '.join(info.fitted)} rows" if info.fitted else "declared, none computed from rows"
    say(f"data · {owner}; constants of preprocessing {fitted if info.fitted is not None else 'not told'}")
    if info.regression:
        y = np.concatenate([split.y for split in data.splits.values()])
        say(f"target · a number: {y.min():.4g} to {y.max():.4g}, mean {y.mean():.4g}, standard deviation {y.std():.4g}")
    elif info.target is not None:
        _tell_classes(data, say)


def _tell_classes(data: Dataset, say: Say) -> None:
    names = data.info.class_names
    counts = {name: np.bincount(split.y, minlength=len(names)) for name, split in data.splits.items()}
    say(f"classes · {'output':>6}  {'class':<20}" + "".join(f" {name:>10}" for name in counts))
    for number, name in enumerate(names[:CLASSES]):
        say(f"classes · {number:>6}  {name:<20}" + "".join(f" {values[number]:>10}" for values in counts.values()))
    if len(names) > CLASSES:
        say(f"classes · … {len(names) - CLASSES} more")


def tell_model(model: Model, data: Dataset, given: bool, say: Say) -> list[str]:
    """Sizes, and how one batch is answered; what looks wrong with the answers, a line each."""
    tensors = list(model.system.state_dict().values())
    weights = sum(value.numel() for value in tensors)
    size = sum(value.numel() * value.element_size() for value in tensors) / 1e6
    batch = _spread(data.split("train"))
    outputs = View(Data.of(data), model).logits(batch.x)
    said = f"{list(batch.x.shape)} gives {list(outputs.shape)}"
    say(f"model · {model.params.get('factory', model.component)}: {weights:,} weights, {size:.1f} MB; {said}")
    if not given:
        say("model · no weights are given: the study trains it")
        return []
    if data.info.regression:
        return _tell_errors(batch, outputs, say)
    found = agreement(batch.y, outputs)
    others = [name for name in ("validation", "test") if len(data.splits.get(name, ()))]
    beside = "".join(f", {_accuracy(model, data, name):.3f} on {name} rows" for name in others)
    say(f"batch · accuracy {found.right:.3f} on {found.n} training rows (by chance {found.chance:.3f}){beside}")
    return _permuted(found, data.info) if found.permuted else []


def _tell_errors(batch: Split, outputs: np.ndarray, say: Say) -> list[str]:
    error, spread = float(np.sqrt(np.mean((outputs.reshape(-1) - batch.y) ** 2))), float(batch.y.std())
    say(f"batch · root mean square error {error:.4g} on {len(batch)} training rows (their deviation {spread:.4g})")
    return [f"errors ({error:.4g}) are as large as the target's deviation: is `preprocess` that of training?"][
        : error >= spread
    ]


def _permuted(found: Agreement, info: DatasetInfo) -> list[str]:
    """What to write where the labels look permuted."""
    if found.order is not None and len(found.order) == len(info.class_names):
        names = ", ".join(info.class_names[label] for label in found.order)
        return [
            f"labels look permuted: accuracy {found.right:.3f} would be {found.in_order:.3f} with `classes: [{names}]`"
        ]
    return [
        f"labels look permuted: accuracy {found.right:.3f} is no better than chance; `classes:` sets their order, or is"
        " `preprocess` not that of training?"
    ]


def _accuracy(model: Model, data: Dataset, name: str) -> float:
    batch = _spread(data.split(name))
    return float((View(Data.of(data), model).logits(batch.x).argmax(axis=1) == batch.y).mean())


def _spread(split: Split) -> Split:
    return split.take(np.linspace(0, len(split) - 1, min(len(split), BATCH)).round().astype(int))
