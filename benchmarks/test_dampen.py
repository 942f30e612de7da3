"""Dampening alone: the kernel over a flat vector, and a whole network (copy, checks, table), against plain torch."""

import copy

import numpy as np
import pytest
import torch

from benchmarks import plain
from benchmarks.racing import TIMED, Racer
from neurosieve.artifacts.model import build_model
from neurosieve.interventions.unlearning.ssd import Params, dampened
from neurosieve.kernels.dampen import dampen
from neurosieve.models.state import flat

pytestmark = TIMED
ALPHA = 8.0
"""A power of two: no rounding decides what is selected."""
NETWORKS = {
    "vision.resnet9": ({"width": 8}, [1, 16, 16]),
    "vision.resnet18": ({"width": 64}, [3, 32, 32]),
}


@pytest.fixture(scope="module", params=NETWORKS)
def case(request):
    """A network and two importances of its parameters, about 2 % of them above ALPHA."""
    params, shape = NETWORKS[request.param]
    draw = torch.Generator().manual_seed(0)
    module = build_model(request.param, params, {"input_shape": shape, "classes": 100}).system
    full, part = (
        {name: torch.randn(p.shape, generator=draw).exp_() for name, p in module.named_parameters()} for _ in range(2)
    )
    return module, full, part


def size(module):
    return f"{sum(p.numel() for p in module.parameters()):,} weights"


def looped(step, module, full, part):
    step(dict(module.named_parameters()), full, part, ALPHA, 1.0)
    return module


def alike(found, expected):
    one, other = (x if isinstance(x, np.ndarray) else flat(list(x.parameters())) for x in (found, expected))
    np.testing.assert_allclose(one, other, rtol=1e-6)


def test_kernel(race, case):
    module, full, part = case
    theta = flat(list(module.parameters()))
    vectors = [flat(list(importance.values())) for importance in (full, part)]
    bounds = np.cumsum([0, *(p.numel() for p in module.parameters())])

    def ours(weights):
        dampen(weights, *vectors, ALPHA, 1.0, False, bounds)
        return weights

    def numpy_masked(weights):
        chosen = vectors[1] > ALPHA * vectors[0]
        weights[chosen] *= np.minimum(vectors[0][chosen] / vectors[1][chosen], 1)
        return weights

    def copied():
        return (copy.deepcopy(module),)

    race(
        "dampening, kernel",
        size(module),
        Racer(ours, lambda: (theta.copy(),)),
        {
            "loop over parameters": Racer(lambda work: looped(plain.dampen_loop, work, full, part), copied),
            "masked torch": Racer(lambda work: looped(plain.dampen_masked, work, full, part), copied),
            "masked numpy, flat": Racer(numpy_masked, lambda: (theta.copy(),)),
        },
        alike,
        rounds=7,
    )


def test_network(race, case):
    module, full, part = case

    race(
        "dampening, network copied",
        size(module),
        Racer(lambda: dampened(module, full, part, Params(alpha=ALPHA))[0]),
        {
            "loop over parameters": Racer(lambda: looped(plain.dampen_loop, copy.deepcopy(module), full, part)),
            "masked torch": Racer(lambda: looped(plain.dampen_masked, copy.deepcopy(module), full, part)),
        },
        alike,
        rounds=7,
    )
