"""What holds of any torch network: a digest of its weights, and its parameters as one flat vector."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor, nn


def digest(module: nn.Module) -> str:
    """16 hex digits that name all weights and buffers: equal exactly where every byte of the state is equal."""
    total = hashlib.blake2b(digest_size=8)
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().to("cpu").contiguous().numpy()
        total.update(f"{name} {array.dtype} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def flat(tensors: list[Tensor]) -> np.ndarray:
    """Tensors one after another as a vector [elements], each in its logical order whatever its strides."""
    return torch.cat([t.detach().to("cpu").reshape(-1) for t in tensors]).numpy()


def assign(tensors: list[Tensor], vector: np.ndarray) -> None:
    """Write a vector from `flat` back into the tensors."""
    start = 0
    with torch.no_grad():
        for t in tensors:
            t.copy_(torch.from_numpy(vector[start : start + t.numel()]).view(t.shape))
            start += t.numel()
