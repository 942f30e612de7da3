import numpy as np
import pytest
import torch
from tests.support import BnNet, blobs, model_of, perceptron, same_state, small_resnet
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.view import Step, View
from neurosieve.evaluation.cost import Params, evaluate, macs, seconds

TRAIN = Step("supervised.backprop", "training", "all", {"train_seconds": 10.0})
RETRAIN = Step("supervised.backprop", "training", "retain", {"train_seconds": 9.0})
STORED = Step("analysis.importance", "interventions", "all", {"intervention_seconds": 1.5}, beside=True)
SSD = Step("unlearning.ssd", "interventions", "all", {"intervention_seconds": 0.25})
PRUNE = Step("pruning.magnitude", "interventions", "all", {"intervention_seconds": 0.5})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((TRAIN,), {"train_seconds": 10.0}),
        (
            (TRAIN, STORED, SSD),
            {"train_seconds": 10.0, "intervention_seconds": 0.25, "intervention_seconds_total": 1.75},
        ),
        (
            (TRAIN, STORED, SSD, PRUNE),
            {"train_seconds": 10.0, "intervention_seconds": 0.75, "intervention_seconds_total": 2.25},
        ),
        (
            (RETRAIN,),
            {"train_seconds": 9.0, "intervention_seconds": 9.0, "intervention_seconds_total": 9.0},
        ),
        ((), {}),
        ((Step("own.model", "training"),), {}),
    ],
)
def test_seconds_of_a_chain(steps, expected):
    assert seconds(steps) == expected


def test_a_training_beside_the_chain_is_not_this_variants():
    beside = Step("supervised.backprop", "training", "all", {"train_seconds": 7.0}, beside=True)
    assert seconds((TRAIN, beside)) == {"train_seconds": 10.0}


def test_counts_and_timings():
    model = small_resnet(width=8, classes=10)
    with torch.no_grad():
        model.system.head.weight.zero_()
    rows = evaluate(View(Data.of(blobs()), model, steps=(TRAIN,)), Params())
    values = {row["metric"]: row["value"] for row in rows.iter_rows(named=True)}
    assert values["parameters"] == 36024
    # BatchNorm biases start at 0, the head was emptied
    assert values["nonzeros"] == 36024 - 168 - 160
    assert values["layers_empty"] == 1
    assert set(rows.filter(rows["timing"])["metric"]) == {"train_seconds"}


@pytest.mark.parametrize(
    ("net", "shape"), [(BnNet(2, 3), (2, 6, 6)), (perceptron(4, 7, 3), (4,)), (nn.Conv2d(4, 6, 3, groups=2), (4, 5, 5))]
)
def test_macs_equal_torchs_own_counter(net, shape):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(torch.zeros(1, *shape))
    assert macs(net, shape) == counter.get_total_flops() / 2


def test_counting_leaves_the_network_alone():
    net = BnNet(1, 3).train()
    other = BnNet(1, 3)
    other.load_state_dict(net.state_dict())
    macs(net, (1, 6, 6))
    assert same_state(net, other)
    assert net.training
    assert not net.conv1._forward_hooks


def test_a_system_that_is_no_network_has_seconds_only():
    class Other:
        def state_dict(self):
            return {"a": np.zeros(2)}

    rows = evaluate(View(Data.of(blobs()), model_of(Other(), (4,), 3), steps=(RETRAIN,)), Params())
    assert set(rows["metric"]) == {"train_seconds", "intervention_seconds", "intervention_seconds_total"}


def test_recurrent_layers_count_once_per_step_and_token_ids_are_given_as_such():
    from tests.nets import Reader

    matrices = 3 * 12 * 12 * 2  # three gates, of inputs and of states
    assert macs(Reader(width=12, classes=2), (9,), "int64") == 9 * matrices + 12 * 2
