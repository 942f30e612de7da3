"""Pruning masks: boolean tensors by parameter name, kept with a model under the role `mask` (True = weight kept)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def maskable(module: nn.Module) -> dict[str, Tensor]:
    """Parameters that pruning may mask: those of 2 or 4 dimensions (matrices and 2-D convolutions)."""
    return {name: p for name, p in module.named_parameters() if p.dim() in (2, 4)}


def apply_masks(module: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Set every masked weight to exactly 0, in place."""
    if not masks:
        return
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for name, mask in masks.items():
            parameters[name].masked_fill_(~mask, 0.0)
