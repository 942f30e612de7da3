"""What an evaluation looks at: outputs of a model or of a target's runtime, in batches."""

import numpy as np
import pytest
import torch
from tests.support import blobs, model_of, perceptron, small_resnet

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.view import Later, View, module_runtime
from neurosieve.errors import UserError


def test_logits_in_batches_are_the_logits() -> None:
    data = Data.of(blobs(rows=23))
    view = View(data, model_of(perceptron(4, 5, 3), (4,), 3))
    whole = view.logits(data.train.x, batch=1000)
    assert whole.shape == (23, 3)
    assert np.allclose(view.logits(data.train.x, batch=5), whole, atol=1e-6)


def test_outputs_are_those_of_eval_mode_and_leave_the_module_as_it_was() -> None:
    module = small_resnet().system.train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(6, 1, 11, 11)).astype(np.float32)
    run = module_runtime(module)
    assert np.array_equal(run(x), run(x))
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_runtime_of_a_target_goes_first() -> None:
    view = View(Data.of(blobs()), model_of(perceptron(4, 3), (4,), 3), "onnx", lambda x: x[:, :1] * 2)
    assert np.array_equal(view.logits(np.ones((3, 4))), np.full((3, 1), 2.0))


def test_system_that_maps_no_batch() -> None:
    with pytest.raises(UserError, match="needs a torch module that maps a batch to outputs"):
        View(Data.of(blobs()), model_of(object(), (4,), 3)).logits(np.zeros((1, 4)))


def test_what_comes_later_is_read_once_and_only_where_it_is_looked_at() -> None:
    read: list[int] = []

    def item(place: int) -> str:
        read.append(place)
        return "abc"[place]

    names = Later(lambda: 3, item)
    assert (bool(names), len(names), read) == (True, 3, [])
    assert (names[-1], names[2], read) == ("c", "c", [2])
    assert (names[:2], list(names), read) == (["a", "b"], ["a", "b", "c"], [2, 0, 1])
    assert not Later(lambda: 0, item)
    with pytest.raises(IndexError):
        names[3]
