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

from neurosieve.errors import UserError

SMALLEST = 8
"""Smallest side in pixels: after the last stage one pixel is left of it."""
STAGES = 4
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
    shape = tuple(schema["input_shape"])
    if len(shape) != 3 or min(shape[1:]) < SMALLEST:
        raise UserError(
            f"vision.resnet18 needs images [channels, height, width] of at least {SMALLEST} pixels a side,"
            f" the data have shape {list(shape)}; choose a larger size or another model"
        )
    return ResNet18(shape[0], int(schema["classes"]), params.width)


class ResNet18(nn.Module):
    """See the module's description."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv(channels, width, 3), nn.ReLU())
        blocks, given = [], width
        for stage in range(STAGES):
            outputs = width * 2**stage
            for block in range(BLOCKS):
                blocks.append(_Block(given, outputs, stride=2 if stage and not block else 1))
                given = outputs
        self.features = nn.Sequential(*blocks)
        self.head = nn.Linear(given, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits [rows, classes] of images [rows, channels, height, width]."""
        return self.head(self.features(self.stem(inputs)).mean(dim=(2, 3)))


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
