"""Teachers that know nothing: networks with fresh weights, to teach forgetting or to measure it against."""

from __future__ import annotations

import torch
from torch import nn

from neurosieve.artifacts.model import Model, build_model
from neurosieve.optim.loop import generator


def random_teacher(model: Model, seed: int, purpose: str = "bad teacher") -> nn.Module:
    """The same architecture with freshly drawn weights, in eval mode; the global random state is left alone.

    Teachers for different purposes differ under one seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator(seed, purpose).initial_seed())
        return build_model(model.component, model.params, model.schema, model.device).system.eval()
