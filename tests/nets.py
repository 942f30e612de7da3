"""Small networks as a user would bring them: tests name them as `tests.nets:linear`, or copy this file."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def linear(inputs: int = 144, classes: int = 3) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, classes))


def perceptron(inputs: int = 30, width: int = 16, classes: int = 2) -> nn.Module:
    """In train mode, with what behaves differently there."""
    layers = [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, classes)]
    return nn.Sequential(*layers).train()


class Reader(nn.Module):
    """Token ids [rows, length] -> logits, by an embedding and the last state of a GRU."""

    def __init__(self, words: int = 20, width: int = 12, classes: int = 2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.recurrent = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.recurrent(self.embedding(tokens))
        return self.head(states[:, -1])


class Tied(nn.Module):
    """One matrix, used twice."""

    def __init__(self, size: int = 4) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(size, size, bias=False), nn.Linear(size, size, bias=False)
        self.last.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(x)))


class Drawing(nn.Module):
    """Draws something at its making that its state does not hold."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.mixed = nn.Linear(4, 3), torch.randn(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x @ self.mixed)


class Wrapped(nn.Module):
    """Returns a mapping, a tuple or an object, as other libraries do."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.head = kind, nn.Linear(4, 3)

    def forward(self, x: Tensor) -> object:
        logits = self.head(x)
        return {"mapping": {"logits": logits, "hidden": x}, "pair": (x, logits), "none": None}[self.kind]


class Odd(nn.Linear):
    """Keeps something beside its tensors."""

    def get_extra_state(self) -> str:
        return "a note"

    def set_extra_state(self, state: str) -> None:
        pass


def lazy() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))


def images(layout: str = "contiguous") -> nn.Module:
    """For images [1, 6, 6], in either memory layout, in train mode."""
    body = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1)]
    net = nn.Sequential(*body, nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 3)).train()
    return net.to(memory_format=torch.channels_last) if layout == "channels_last" else net


def raising() -> nn.Module:
    return nn.Linear(4, "three")
