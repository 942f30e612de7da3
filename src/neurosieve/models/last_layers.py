"""The last k layers of a network: what is trained again while the rest stays frozen (Goel & Prabhu 2022: EU-k, CF-k).

k counts convolutions and linear layers from the end, those on shortcuts left out. The network's pieces, in the order
of its modules, are cut whole: a piece is a child, or a child of a child that is a plain `nn.Sequential`; a k inside a
piece (a residual branch) is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from neurosieve.errors import UserError

LAYERS = (nn.modules.conv._ConvNd, nn.Linear)
SLICE = 512
"""Rows per forward pass."""


def cut(module: nn.Module, k: int) -> tuple[list[nn.Module], list[nn.Module]]:
    """Pieces before the cut, and those that hold the last `k` layers; -1: all. Raises UserError where k fits no cut."""
    pieces = list(_pieces(module))
    if k == -1:
        return [], pieces
    fits, total = [], 0
    for place in range(len(pieces) - 1, -1, -1):
        inside = pieces[place].named_modules()
        found = sum(isinstance(part, LAYERS) and "shortcut" not in name.split(".") for name, part in inside)
        total += found
        if found and total == k:
            return pieces[:place], pieces[place:]
        fits += [total] if found else []
    raise UserError(f"k: {k} layers from the end cut no border between blocks; choose one of -1, {_words(fits)}")


def freeze(pieces: list[nn.Module]) -> None:
    """No gradient and eval mode, BatchNorm statistics included; `train()` on the whole ends the latter."""
    for piece in pieces:
        piece.requires_grad_(False).eval()


@contextmanager
def cut_off(module: nn.Module, pieces: list[nn.Module]) -> Iterator[None]:
    """The module without these pieces, which pass on what they are given, while the block runs."""
    inside = [(parent, *found) for parent in module.modules() for found in parent.named_children()]
    taken = [(parent, name, child) for parent, name, child in inside if any(child is piece for piece in pieces)]
    for parent, name, _ in taken:
        setattr(parent, name, nn.Identity())
    try:
        yield
    finally:
        for parent, name, child in taken:
            setattr(parent, name, child)


def outputs_of(module: nn.Module, piece: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """What a piece gives [rows, ...] when the module, in the mode it is in, runs on inputs [rows, ...]."""
    seen: list[torch.Tensor] = []
    handle = piece.register_forward_hook(lambda _piece, _given, output: seen.append(output))
    try:
        with torch.no_grad():
            for some in inputs.split(SLICE):
                module(some)
    finally:
        handle.remove()
    return torch.cat(seen)


def reinitialise(pieces: list[nn.Module]) -> None:
    """Fresh weights by PyTorch's defaults, biases 0, BatchNorm reset with its statistics, as the authors' code."""
    with torch.no_grad():
        for piece in pieces:
            for part in piece.modules():
                reset = getattr(part, "reset_parameters", None)
                if callable(reset):
                    reset()
                    if isinstance(part, LAYERS) and part.bias is not None:
                        part.bias.zero_()


def _pieces(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if type(child) is nn.Sequential and not any(isinstance(part, LAYERS) for part in child):
            yield from child.children()
        else:
            yield child


def _words(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))
