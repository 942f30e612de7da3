"""A linear classifier of points in the plane, double precision: a torch module of six numbers."""

from typing import Any

import torch
from pydantic import BaseModel, ConfigDict


class Params(BaseModel):
    """Whether there is a bias."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    bias: bool = True


def build(params: Params, schema: dict[str, Any]) -> torch.nn.Linear:
    """Weights drawn as torch does."""
    return torch.nn.Linear(*schema["input_shape"], schema["classes"], bias=params.bias, dtype=torch.float64)
