"""Wide residual network for small images, as the code of Goel et al. 2024 has it (28 layers, 10 times as wide).

Zagoruyko, Komodakis, "Wide Residual Networks" (BMVC 2016). conv3(c, 16) - three stages of (depth - 4) / 6 blocks with
16, 32 and 64 times `widen` channels, the last two stages halving the sides - global average - linear. A block is
BatchNorm - ReLU - conv3 - BatchNorm - ReLU - conv3, plus its input (through conv1 - BatchNorm where shapes differ); its
second convolution has the stride. Convolutions have a bias, and no BatchNorm follows the last block.
Inputs [rows, channels, height, width], outputs logits [rows, classes].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn

from neurosieve.models.vision.residual import Residual, images

SMALLEST = 4
"""Smallest side in pixels: after the last stage one pixel is left of it."""


class Params(BaseModel):
    """The network's size."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    depth: int = Field(28, ge=10)
    """Layers: 6 n + 4 with n blocks per stage."""
    widen: int = Field(10, ge=1, le=32)
    """Channels of the three stages are 16, 32, 64 times this."""

    @model_validator(mode="after")
    def _whole_blocks(self) -> Params:
        if (self.depth - 4) % 6:
            raise ValueError(f"depth {self.depth} is not 6 n + 4: 10, 16, 22, 28, …")
        return self


def build(params: Params, schema: Mapping[str, Any]) -> nn.Module:
    """A fresh network for `schema["input_shape"]` = [channels, height, width] and `schema["classes"]`.

    Raises UserError when the input is no image or is too small.
    """
    channels, classes = images(schema, SMALLEST, "vision.wide_resnet")
    stem, stages = nn.Conv2d(channels, 16, 3, padding=1), [16 * 2**stage * params.widen for stage in range(3)]
    return Residual(stem, 16, stages, (params.depth - 4) // 6, _Block, classes)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs), nn.ReLU(), nn.Conv2d(outputs, outputs, 3, stride, padding=1),
        )  # fmt: skip
        same = stride == 1 and inputs == outputs
        shortcut = (nn.Conv2d(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if same else nn.Sequential(*shortcut)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.branch(inputs) + self.shortcut(inputs)
