"""ResNet-18 for small images: a 3 x 3 first convolution and no max-pool, as the code of Foster et al. 2024 has it.

He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition" (CVPR 2016), 18 layers. conv3(c, w) - four stages
of two basic blocks with w, 2w, 4w, 8w channels, each stage after the first halving the sides - global average - linear.
A basic block is conv3 - BatchNorm - ReLU - conv3 - BatchNorm, plus its input (through conv1 - BatchNorm where shapes
differ), then ReLU. With w = 64, three channels and 100 classes: 11,220,132 weights.
Inputs [rows, channels, height, width], outputs logits [rows, classes].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from neurosieve.models.vision.residual import Residual, images

SMALLEST = 8
"""Smallest side in pixels: after the last stage one pixel is left of it."""
BLOCKS = 2


class Params(BaseModel):
    """The network's size."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    width: int = Field(64, ge=1, le=1024)
    """Channels of the first stage (w above)."""


def build(params: Params, schema: Mapping[str, Any]) -> nn.Module:
    """A fresh network for `schema["input_shape"]` = [channels, height, width] and `schema["classes"]`.

    Raises UserError when the input is no image or is too small.
    """
    channels, classes = images(schema, SMALLEST, "vision.resnet18")
    stem, stages = nn.Sequential(*_conv(channels, params.width, 3), nn.ReLU()), [params.width * 2**s for s in range(4)]
    return Residual(stem, params.width, stages, BLOCKS, _Block, classes)


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*_conv(inputs, outputs, 3, stride), nn.ReLU(), *_conv(outputs, outputs, 3))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(*_conv(inputs, outputs, 1, stride))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.branch(inputs) + self.shortcut(inputs))


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """Convolution and BatchNorm."""
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
