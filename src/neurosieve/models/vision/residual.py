"""What residual networks for small images share: a stem, stages of blocks that halve the sides, average, linear."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from neurosieve.errors import UserError


class Residual(nn.Module):
    """Stem [channels -> `given`], `blocks` per stage of so many channels each, global average, linear head.

    `block(inputs, outputs, stride)` makes one block; the first one of every stage after the first has stride 2.
    """

    def __init__(
        self,
        stem: nn.Module,
        given: int,
        stages: Sequence[int],
        blocks: int,
        block: Callable[[int, int, int], nn.Module],
        classes: int,
    ) -> None:
        super().__init__()
        self.stem = stem
        made = []
        for stage, outputs in enumerate(stages):
            for place in range(blocks):
                made.append(block(given, outputs, 2 if stage and not place else 1))
                given = outputs
        self.features = nn.Sequential(*made)
        self.head = nn.Linear(given, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Logits [rows, classes] of images [rows, channels, height, width]."""
        return self.head(self.features(self.stem(inputs)).mean(dim=(2, 3)))


def images(schema: Mapping[str, Any], smallest: int, name: str) -> tuple[int, int]:
    """Channels and classes of the data. Raises UserError when inputs are no images with sides of `smallest` pixels."""
    shape = tuple(schema["input_shape"])
    if len(shape) != 3 or min(shape[1:]) < smallest:
        raise UserError(
            f"{name} needs images [channels, height, width] of at least {smallest} pixels a side,"
            f" the data have shape {list(shape)}; choose a larger size or another model"
        )
    return shape[0], int(schema["classes"])
