import numpy as np
import pytest
import torch
from tests.support import dataset_of, forgetting, forgetting_class, model_of
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.view import View
from neurosieve.errors import UserError
from neurosieve.evaluation.classification import Params, evaluate


def onehot(said, truth):
    return np.eye(3, dtype=np.float32)[said], np.array(truth)


DATASET = dataset_of(
    {
        "train": onehot([0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 1, 2]),
        "test": onehot([0, 0, 1, 1, 2, 2, 2, 0], [0, 0, 1, 1, 2, 2, 0, 1]),
    }
)
MODEL = model_of(nn.Identity(), (3,), 3)


def measured(data, metric="accuracy", **view):
    rows = evaluate(View(data, **({"model": MODEL} | view)), Params())
    assert set(rows["metric"]) <= {"accuracy", "constant_output", "forget_unchanged"}
    chosen = rows.filter(rows["metric"] == metric)
    return {row["split"]: (row["value"], row["n"]) for row in chosen.iter_rows(named=True)}


def test_without_forgetting_only_test():
    assert measured(Data.of(DATASET)) == {"test": (0.75, 8)}


def test_a_forgotten_class_is_judged_on_test_rows():
    found = measured(forgetting_class(DATASET, 1))
    assert found == {"test": (0.75, 8), "retain": (0.8, 5), "forget": (2 / 3, 3)}


def test_listed_rows_are_judged_on_themselves_and_retain_is_the_whole_test_set():
    found = measured(forgetting(DATASET, [3, 5]))
    assert found == {"test": (0.75, 8), "retain": (0.75, 8), "forget": (0.5, 2)}


def test_a_target_answers_in_place_of_the_network():
    assert measured(Data.of(DATASET), runtime=lambda x: x[:, [1, 0, 2]])["test"] == (0.375, 8)


def test_outputs_that_are_not_finite_are_one_line():
    with pytest.raises(UserError, match="not finite: it diverged"):
        measured(Data.of(DATASET), runtime=lambda x: x * np.nan)


def test_the_network_answers_in_eval_mode_and_keeps_its_mode():
    net = nn.Sequential(nn.Dropout(0.99), nn.Identity()).train()
    rows = measured(Data.of(DATASET), model=model_of(net, (3,), 3))
    assert rows["test"] == (0.75, 8)
    assert net.training
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    ("runtime", "constant"),
    [
        (lambda x: x, 0.0),
        (lambda x: np.tile(np.float32([0.2, -3.0, 1.0]), (len(x), 1)), 1.0),
        (lambda x: np.float32([0.2, -3.0, 1.0]) + x * 1e-6, 1.0),
        (lambda x: np.zeros_like(x), 1.0),
        (lambda x: np.float32([0.2, -3.0, 1.0]) + x * 1e-2, 0.0),
    ],
)
def test_a_constant_output_is_flagged(runtime, constant):
    assert measured(Data.of(DATASET), "constant_output", runtime=runtime) == {"test": (constant, 8)}


def swapped(one, other):
    """A network that takes two classes for each other."""
    net = nn.Linear(3, 3, bias=False)
    order = [0, 1, 2]
    order[one], order[other] = order[other], order[one]
    net.weight.data = torch.eye(3)[order]
    return model_of(net, (3,), 3)


def test_a_step_that_changes_nothing_is_flagged():
    data = forgetting_class(DATASET, 1)
    assert measured(data, "forget_unchanged", parents=(MODEL,)) == {"forget": (1.0, 6)}
    # of the forget rows, said 1, 0, 1 in training and 1, 1, 0 in test, those said 1 are said 2 now
    assert measured(data, "forget_unchanged", parents=(swapped(1, 2), MODEL)) == {"forget": (pytest.approx(2 / 6), 6)}


def test_listed_rows_lie_in_training_alone():
    data = forgetting(DATASET, [3, 5])
    assert measured(data, "forget_unchanged", parents=(swapped(0, 1),)) == {"forget": (0.5, 2)}


def test_without_a_step_or_a_request_nothing_can_be_unchanged():
    assert measured(forgetting_class(DATASET, 1), "forget_unchanged") == {}
    assert measured(Data.of(DATASET), "forget_unchanged", parents=(MODEL,)) == {}

    class Other:
        def state_dict(self):
            return {}

    other = model_of(Other(), (3,), 3)
    assert measured(forgetting_class(DATASET, 1), "forget_unchanged", parents=(other,)) == {}
