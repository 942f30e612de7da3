"""A multilayer perceptron: linear, ReLU, linear, …; its default is LeNet-300-100 (LeCun et al. 1998).

Inputs [rows, ...] are flattened, outputs are logits [rows, classes]. Weights as torch draws them. On 16 x 16 images
of 100 classes the default has 256 x 300 + 300 x 100 + 100 x 100 weights and 500 biases.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from neurosieve.errors import UserError


class Params(BaseModel):
    """The network's size."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    hidden: tuple[int, ...] = Field((300, 100))
    """Units of each hidden layer."""
    bias: bool = True
    """Whether layers have biases."""


def build(params: Params, schema: Mapping[str, Any]) -> nn.Module:
    """A fresh network for `schema["input_shape"]` and `schema["classes"]`.

    Raises UserError where the data have no classes or a layer no units.
    """
    if not schema["classes"]:
        raise UserError("dense.mlp needs a target with class names; the data have none")
    sizes = [math.prod(schema["input_shape"]), *params.hidden, int(schema["classes"])]
    if min(sizes) < 1:
        raise UserError(f"dense.mlp: a layer of {min(sizes)} units; inputs, hidden layers and classes are {sizes}")
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs, bias=params.bias), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
