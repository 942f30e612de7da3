"""The importance pass: batch gradients and per-row gradients, against loops of backward passes and against vmap."""

import copy

import pytest
import torch
import torch.nn.functional as F

from benchmarks import plain
from benchmarks.racing import TIMED, Racer
from neurosieve.artifacts.model import build_model
from neurosieve.interventions.analysis.importance import row_batches
from neurosieve.kernels.fisher import batch_gradients, row_gradients
from neurosieve.optim.loop import columns_of

pytestmark = TIMED
CLASSES = 10
"""Classes of the race per row: one backward pass per row of all 100 would take minutes."""


def alike(found, expected):
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-5 * float(tensor.max()))


@pytest.fixture(scope="module")
def network(original):
    return copy.deepcopy(original.system)


@pytest.fixture(scope="module")
def rows(data):
    """Inputs, labels and the batches of the study: 64 rows of one class (here all 54 of each)."""
    inputs, labels = columns_of(data.train)
    return inputs, labels, row_batches(data.train, {"order": "class", "batch": 64, "by": ""})


def losses(labels):
    return lambda logits, chosen: F.cross_entropy(logits, labels[chosen], reduction="none")


def test_batch_gradients(race, network, rows):
    inputs, labels, batches = rows
    stacked = torch.stack(batches)
    race(
        "importance, batch gradients",
        f"{len(inputs):,} rows, {len(batches)} batches",
        Racer(lambda: batch_gradients(network, inputs, batches, losses(labels))),
        {
            "loop over batches": Racer(lambda: plain.importance_loop(network, inputs, labels, batches)),
            "vmap over batches": Racer(lambda: plain.importance_vmap(network, inputs[stacked], labels[stacked], 10)),
        },
        alike,
        rounds=3,
    )


def test_row_gradients(race, network, rows):
    inputs, labels, batches = rows
    batches = batches[:CLASSES]
    chosen = torch.cat(batches)
    race(
        "importance, per sample",
        f"{len(chosen):,} rows",
        Racer(lambda: row_gradients(network, inputs, batches, losses(labels))),
        {
            "loop over rows": Racer(
                lambda: plain.importance_loop(network, inputs, labels, list(chosen.split(1))),
            ),
            "vmap over rows": Racer(
                lambda: plain.importance_vmap(network, inputs[chosen][:, None], labels[chosen][:, None], 54)
            ),
        },
        alike,
        rounds=3,
    )


def test_row_gradients_of_a_transformer(race, rows):
    """No closed form: `torch.func` against one backward pass per row."""
    inputs, labels, batches = rows
    batches = batches[: CLASSES // 2]
    chosen = torch.cat(batches)
    torch.manual_seed(0)
    network = build_model("vision.vit", {}, {"input_shape": list(inputs.shape[1:]), "classes": 100}).system.eval()
    race(
        "importance, per sample, ViT",
        f"{len(chosen):,} rows",
        Racer(lambda: row_gradients(network, inputs, batches, losses(labels))),
        {"loop over rows": Racer(lambda: plain.importance_loop(network, inputs, labels, list(chosen.split(1))))},
        alike,
        rounds=3,
    )
