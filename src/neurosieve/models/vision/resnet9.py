"""A small residual network of nine convolutions for images of 11 pixels a side and more.

conv3(c, w) - conv5 stride 2 (w, 2w) - residual(2 x conv3 2w) - conv3(2w, 4w) + max-pool 2 - residual(2 x conv3 4w) -
conv3 without padding (4w, 2w) - global max-pool - linear without bias. Each convolution is followed by BatchNorm and
CELU(0.075). With w = 8 and one channel: 35,528 convolution, 336 BatchNorm and 16 x classes weights.
Inputs [rows, channels, height, width], outputs logits [rows, classes].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from neurosieve.models.vision.residual import images

SMALLEST = 11
"""Smallest side in pixels: below it nothing is left for the convolution without padding."""


class Params(BaseModel):
    """The network's size."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    width: int = Field(8, ge=1, le=1024)
    """Channels after the first convolution (w above)."""


def build(params: Params, schema: Mapping[str, Any]) -> nn.Module:
    """A fresh network for `schema["input_shape"]` = [channels, height, width] and `schema["classes"]`.

    Raises UserError when the input is no image or is too small.
    """
    channels, classes = images(schema, SMALLEST, "vision.resnet9")
    made = ResNet9(channels, classes, params.width)
    # a sixth faster on a CPU, forward and backward; torch's annotations lack this overload
    return made.to(memory_format=torch.channels_last)  # pyrefly: ignore[no-matching-overload]


class ResNet9(nn.Module):
    """See the module's description."""

    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()
        w = width
        self.features = nn.Sequential(
            _block(channels, w, 3),
            _block(w, 2 * w, 5, stride=2),
            _Residual(2 * w),
            _block(2 * w, 4 * w, 3),
            nn.MaxPool2d(2),
            _Residual(4 * w),
            _block(4 * w, 2 * w, 3, padding=0),
        )
        self.head = nn.Linear(2 * w, classes, bias=False)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits [rows, classes] of images [rows, channels, height, width]."""
        return self.head(self.features(inputs).amax(dim=(2, 3)))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_block(width, width, 3), _block(width, width, 3))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs + self.branch(inputs)


def _block(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int | None = None) -> nn.Sequential:
    """Convolution, BatchNorm, CELU."""
    pad = kernel // 2 if padding is None else padding
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs), nn.CELU(0.075)
    )
