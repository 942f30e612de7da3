"""Selective synaptic dampening as a whole, against a plain version, against retraining and against the baselines.

All racers are timed whole: of the baselines and the retraining that includes their one step of warm-up, of some
hundred. The training loop that retrains is raced against a plain one, so that nothing wins against a slow loop.
"""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import plain
from benchmarks.conftest import SEED
from benchmarks.racing import TIMED, Racer
from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.interventions.analysis.importance import importances, row_batches
from neurosieve.interventions.unlearning import amnesiac, bad_teacher, finetune, fisher, unsir
from neurosieve.interventions.unlearning.ssd import Params, dampened
from neurosieve.models.state import flat
from neurosieve.optim.loop import Recipe, columns_of, fit
from neurosieve.optim.losses import supervised
from neurosieve.optim.schedules import warmup_linear
from neurosieve.training.supervised import backprop

pytestmark = TIMED
RULE = {"mode": "batch", "loss": "ce", "order": "class", "batch": 64, "by": ""}
SSD = Params(alpha=50.0)
ROWS = 1280
"""Of the race of training loops: over more steps rounding drives two runs apart."""
BASELINES = {
    "finetune": (finetune, finetune.Params()),
    "amnesiac": (amnesiac, amnesiac.Params()),
    "bad teacher": (bad_teacher, bad_teacher.Params()),
    "UNSIR": (unsir, unsir.Params(lr=0.01)),
}
"""As config/studies/ssd.yaml sets them."""


@pytest.fixture(scope="module")
def ssd(original, data):
    """The three parts of the work as functions: importance of a split, dampening, and importances computed before."""

    def importance(split):
        return importances(original, split, RULE, row_batches(split, RULE))

    def dampen(full, part):
        return dampened(original.system, full, part, SSD)[0]

    full, part = importance(data.train), importance(data.forget)
    dampen(full, part)  # the first call loads the kernel; races without warm-up rounds follow
    return SimpleNamespace(importance=importance, dampen=dampen, full=full, part=part)


@pytest.fixture(scope="module")
def whole(data, ssd):
    """SSD with both importances computed."""
    return Racer(lambda: ssd.dampen(ssd.importance(data.train), ssd.importance(data.forget)))


@pytest.fixture(scope="module")
def shorter(data, ssd):
    """SSD as it is asked for: the importance of all rows was computed before; and its last step."""
    return {
        "SSD, importance stored": Racer(lambda: ssd.dampen(ssd.full, ssd.importance(data.forget))),
        "dampening alone": Racer(lambda: ssd.dampen(ssd.full, ssd.part)),
    }


def size(data):
    return f"{len(data.train):,} rows, {len(data.forget)} to forget"


def intervened(component, params, original, data):
    return Racer(lambda: component.intervene(original, data, params, SEED, Log()).system)


def test_plain_version(race, original, data, ssd, whole):
    splits = [(*columns_of(split), row_batches(split, RULE)) for split in (data.train, data.forget)]
    full, part = (flat(list(found.values())).astype(float) for found in (ssd.full, ssd.part))
    clear = abs(part - SSD.alpha * full) > 1e-3 * part  # at the border the last bits decide

    def peer(module):
        found = [plain.importance_loop(module, *split) for split in splits]
        plain.dampen_loop(dict(module.named_parameters()), *found, SSD.alpha, SSD.lambda_)
        return module

    def alike(found, expected):
        one, other = (torch.from_numpy(flat(list(m.parameters()))[clear]) for m in (found, expected))
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-6)
        assert clear.mean() > 0.99

    race(
        "SSD with importance pass",
        size(data),
        whole,
        {"SSD as research code": Racer(peer, lambda: (copy.deepcopy(original.system),))},
        alike,
        rounds=3,
    )


def test_methods(race, original, fresh, data, whole, shorter):
    retained, test = Data(data.info, {"train": data.retain}), data.test
    forgotten = test.y == data.part("forget", "test").y[0]

    def accuracies(module):
        with torch.no_grad():
            right = module.eval()(test.tensor()).argmax(dim=1).numpy() == test.y
        return right[forgotten].mean(), right[~forgotten].mean()

    before = accuracies(original.system)

    def alike(found, expected):
        """All of them forget at least half of what was known of the class, SSD nearly all; SSD keeps the rest."""
        assert before[0] > 0.5
        assert accuracies(found)[0] <= before[0] / 2
        assert accuracies(expected)[0] <= 0.1
        assert accuracies(expected)[1] >= before[1] - 0.03

    def retrain(model):
        return backprop.train(model, retained, backprop.Params(), SEED, Log()).system

    race(
        "SSD with importance pass",
        size(data),
        whole,
        {
            "retraining, 10 epochs": Racer(retrain, lambda: (fresh(),)),
            **{name: intervened(*how, original, data) for name, how in BASELINES.items()},
        },
        alike,
        rounds=3,
        warm_up=0,
        also=shorter,
    )


def test_fisher_forgetting(race, original, data, whole, shorter):
    """One round: 300 rows x 100 classes of gradients take longer than retraining this small network."""

    def alike(found, expected):
        for module in (found, expected):
            weights = flat(list(module.parameters()))
            assert np.isfinite(weights).all()
            assert (weights != flat(list(original.system.parameters()))).any()

    peers = {"Fisher forgetting, 300 rows": intervened(fisher, fisher.Params(), original, data)}
    race("SSD with importance pass", size(data), whole, peers, alike, rounds=1, warm_up=0, also=shorter)


def test_training_loop(race, fresh, data):
    inputs, labels = (column[:ROWS] for column in columns_of(data.train))
    recipe = Recipe(1, 128, 0.05, weight_decay=5e-4, schedule=warmup_linear(20, 1.25))
    order, steps = torch.randperm(ROWS, generator=torch.Generator().manual_seed(0)), ROWS // recipe.batch
    rates = [recipe.lr * recipe.schedule(step, steps) for step in range(steps)]

    def ours(module):
        fit(module, (inputs, labels), supervised, recipe, [order])
        return module

    def loop(module):
        return plain.train_loop(module, inputs, labels, [order], recipe.batch, rates)

    def alike(found, expected):
        one, other = (torch.from_numpy(flat(list(m.parameters()))) for m in (found, expected))
        assert (one - other).norm() < 1e-3 * other.norm()

    def made():
        return (fresh().system,)

    race(f"training, {steps} steps", f"{ROWS:,} rows", Racer(ours, made), {"plain loop": Racer(loop, made)}, alike, 5)
