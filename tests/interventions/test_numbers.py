"""Networks that predict a number: what can make them forget does, what works with classes says so; token ids."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from tests.nets import Reader
from tests.support import dataset_of, forgetting, model_of, perceptron, same_state

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.errors import UserError
from neurosieve.interventions.analysis import importance
from neurosieve.interventions.unlearning import finetune, ssd, unsir
from neurosieve.optim.losses import supervised

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def data() -> Data:
    """y is the first input, and the rows to forget are off by 3."""
    y = X[:, 0].copy()
    y[:12] += 3
    return forgetting(dataset_of({"train": (X, y)}), np.arange(12))


def line() -> Model:
    """A network fitted to all rows."""
    net, given = perceptron(4, 8, 1), data().train
    adam = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(150):
        adam.zero_grad()
        supervised(net, given.tensor(), given.tensor("label")).backward()
        adam.step()
    return model_of(net.eval(), (4,), 0)


def forgotten_loss(model: Model) -> float:
    forget = data().forget
    with torch.no_grad():
        return float(supervised(model.system, forget.tensor(), forget.tensor("label")))


@pytest.mark.parametrize("mode", ["batch", "per_sample"])
@pytest.mark.parametrize("loss", ["ce", "logit_norm"])
def test_dampening_forgets_numbers(mode: str, loss: str) -> None:
    model = line()
    noted = importance.intervene(model, data(), importance.Params(mode=mode, loss=loss, batch=8), Log())
    assert noted.notes["importance"]["batches"] == 8  # no classes to restart at
    changed = ssd.intervene(noted, data(), ssd.Params(alpha=1.5), Log())
    assert not same_state(changed.system, model.system)
    if mode == "batch" and loss == "ce":
        assert forgotten_loss(changed) > 2 * forgotten_loss(model)


def test_fine_tuning_forgets_numbers() -> None:
    model = line()
    changed = finetune.intervene(model, data(), finetune.Params(epochs=20), 0, Log())
    assert forgotten_loss(changed) > 2 * forgotten_loss(model)


@pytest.mark.parametrize("name", ["amnesiac", "bad_teacher", "fisher", "scrub", "unsir"])
def test_what_works_with_classes_says_so(name: str) -> None:
    component = importlib.import_module(f"neurosieve.interventions.unlearning.{name}")
    with pytest.raises(UserError, match=f"unlearning.{name} works with classes, dataset toy has a number to predict"):
        component.intervene(model_of(perceptron(4, 1), (4,), 0), data(), component.Params(), 0, Log())


def test_inputs_without_a_gradient_are_refused_where_one_is_needed() -> None:
    tokens = np.arange(36).reshape(12, 3) % 20
    words = forgetting(dataset_of({"train": (tokens, np.arange(12) // 6)}), np.arange(6))
    with pytest.raises(UserError, match="learns inputs by their gradient; these are whole numbers"):
        unsir.intervene(model_of(Reader(), (3,), 2), words, unsir.Params(), 0, Log())
