"""Corrective unlearning: a grid of dampenings at once, and a manipulated dataset that shares what did not change."""

import itertools

import numpy as np
import pytest
import torch

from benchmarks import plain
from benchmarks.racing import TIMED, Racer
from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.artifacts.model import build_model
from neurosieve.datasets.corruption import backdoor
from neurosieve.datasets.corruption.manifest import draws
from neurosieve.interventions.unlearning.ssd_corrective import Params
from neurosieve.kernels.dampen import dampen_grid
from neurosieve.models.state import flat

pytestmark = TIMED
POINTS = [(alpha, alpha * ratio) for alpha, ratio in itertools.product(Params().alphas, Params().ratios)]
ROWS = {"digits": (4000, (1, 14, 14)), "photographs": (5000, (3, 32, 32))}


def test_grid(race):
    draw = torch.Generator().manual_seed(0)
    module = build_model("vision.resnet9", {"width": 8}, {"input_shape": [1, 14, 14], "classes": 10}).system
    full, part = (
        {name: torch.randn(p.shape, generator=draw).exp_() for name, p in module.named_parameters()} for _ in range(2)
    )
    theta, *vectors = (flat(list(tensors)) for tensors in (module.parameters(), full.values(), part.values()))
    alphas, lambdas = np.array(POINTS).T.copy()

    def each(step):
        made = []
        for alpha, lambda_ in POINTS:
            work = {name: torch.nn.Parameter(p.detach().clone()) for name, p in module.named_parameters()}
            step(work, full, part, alpha, lambda_)
            made.append(flat(list(work.values())))
        return np.stack(made)

    def alike(found, expected):
        one, other = (x[0] if isinstance(x, tuple) else x for x in (found, expected))
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)

    race(
        "dampening, 50 points",
        f"{theta.size:,} weights",
        Racer(lambda: dampen_grid(theta, *vectors, alphas, lambdas)),
        {
            "loop over parameters": Racer(lambda: each(plain.dampen_loop)),
            "masked torch": Racer(lambda: each(plain.dampen_masked)),
        },
        alike,
        rounds=7,
    )


@pytest.mark.parametrize("kind", ROWS)
def test_poisoned_dataset(race, kind):
    count, shape = ROWS[kind]
    draw = np.random.default_rng(0)
    columns = {name: ColumnInfo(meaning=name) for name in ("sample_id", "x", "label")}
    info = DatasetInfo(
        name=kind, origin="simulated", source="benchmarks", licence="none", inputs="x", target="label",
        class_names=tuple("0123456789"), columns=columns,
    )  # fmt: skip
    ids = [f"{row:06d}" for row in range(count)]
    x, label = draw.normal(size=(count, *shape)).astype(np.float32), draw.integers(0, 10, count)
    clean = Dataset.from_arrays(info, {"train": {"sample_id": ids, "x": x, "label": label}})
    top = float(x.max())

    def copied():
        rows = draws(0, "poisoned rows").choice(count, 100, replace=False)
        images, labels = x.copy(), label.copy()
        images[rows, :, -3:, -3:] = top
        labels[rows] = 0
        return Dataset.from_arrays(info, {"train": {"sample_id": ids, "x": images, "label": labels}})

    def alike(found, expected):
        one, other = found.split("train"), expected.split("train")
        np.testing.assert_array_equal(one.y, other.y)
        np.testing.assert_array_equal(one.x, other.x)

    race(
        "poisoning 100 rows",
        f"{count:,} {kind}",
        Racer(lambda: backdoor.prepare(backdoor.Params(rows=100), clean, 0)),
        {"all arrays copied": Racer(copied)},
        alike,
        rounds=7,
    )
