"""The forward filter of a switching Poisson GLM as a torch module, one time bin per call, single precision."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from neurosieve.kernels.poisson_glm import EPS, Link


class Filter(nn.Module):
    """Counts x [rows, N], predicted states p [rows, S], last counts h [rows, K, N] (newest first) -> y, p, h.

    y [rows, S] is the posterior of the state given x and all before; p after the step is y Pi. The factorial of the
    Poisson density is the same in every state and left out.
    """

    def __init__(
        self, weight: np.ndarray, bias: np.ndarray, kernel: np.ndarray, transition: np.ndarray, link: Link
    ) -> None:
        super().__init__()
        states, neurons, _ = weight.shape
        self.link, self.shape = link, (states, neurons)
        stacked = {"weight": weight.reshape(states * neurons, neurons), "kernel": kernel, "transition": transition}
        every = np.broadcast_to(bias, (states, neurons)).reshape(-1)
        for name, value in {**stacked, "bias": every}.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))

    def forward(self, x: Tensor, p: Tensor, h: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One bin."""
        c = (self.get_buffer("kernel")[:, None] * h).sum(dim=1)
        drive = nn.functional.linear(c, self.get_buffer("weight"), self.get_buffer("bias")).unflatten(1, self.shape)
        links = {"sigmoid": torch.sigmoid, "softplus": nn.functional.softplus, "exp": torch.exp}
        rate = links[self.link](drive)
        fit = (x[:, None] * torch.log(rate + EPS) - rate).sum(dim=2)
        y = torch.softmax(torch.log(p) + fit, dim=1)
        return y, y @ self.get_buffer("transition"), torch.cat([x[:, None], h[:, :-1]], dim=1)
