"""The peers: what research code for unlearning and pruning usually looks like, written down as plainly as it goes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap


def importance_loop(module: nn.Module, inputs: Tensor, labels: Tensor, batches: list[Tensor]) -> dict[str, Tensor]:
    """Squared gradients of batches (of one row each: of rows), summed up parameter by parameter."""
    total = {name: torch.zeros_like(p) for name, p in module.named_parameters()}
    for rows in batches:
        module.zero_grad()
        F.cross_entropy(module(inputs[rows]), labels[rows]).backward()
        for name, p in module.named_parameters():
            if p.grad is not None:
                total[name] += p.grad.detach().clone().pow(2)
    return {name: t / len(batches) for name, t in total.items()}


def importance_vmap(module: nn.Module, inputs: Tensor, labels: Tensor, chunk: int) -> dict[str, Tensor]:
    """Squared gradients by vmap over the first dimension of inputs [pieces, rows, ...] and labels [pieces, rows]."""
    parameters = {name: p.detach() for name, p in module.named_parameters()}
    buffers = dict(module.named_buffers())

    def loss(values: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(module, (values, buffers), (x,)), y)

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    for x, y in zip(inputs.split(chunk), labels.split(chunk), strict=True):
        for name, g in gradients(parameters, x, y).items():
            total[name] += g.pow(2).sum(dim=0)
    return {name: t / len(inputs) for name, t in total.items()}


def dampen_loop(
    parameters: dict[str, nn.Parameter], full: dict[str, Tensor], part: dict[str, Tensor], alpha: float, lambda_: float
) -> None:
    """Selective synaptic dampening in place, parameter by parameter, by index lists as the authors' code does it."""
    with torch.no_grad():
        for name, p in parameters.items():
            chosen = torch.where(part[name] > full[name].mul(alpha))
            factor = full[name].mul(lambda_).div(part[name])[chosen]
            factor[torch.where(factor > 1)] = 1
            p[chosen] = p[chosen].mul(factor)


def dampen_masked(
    parameters: dict[str, nn.Parameter], full: dict[str, Tensor], part: dict[str, Tensor], alpha: float, lambda_: float
) -> None:
    """The same by whole tensors and masks."""
    with torch.no_grad():
        for name, p in parameters.items():
            factor = (lambda_ * full[name] / part[name]).clamp(max=1)
            p.mul_(torch.where(part[name] > alpha * full[name], factor, 1))


def train_loop(
    module: nn.Module, inputs: Tensor, labels: Tensor, orders: list[Tensor], batch: int, rates: list[float]
) -> nn.Module:
    """Epochs of SGD with momentum 0.9 and weight decay 5e-4, in place; one learning rate per step."""
    optimiser = torch.optim.SGD(module.parameters(), lr=rates[0], momentum=0.9, weight_decay=5e-4)
    steps = iter(rates)
    module.train()
    for order in orders:
        for rows in order.split(batch):
            for group in optimiser.param_groups:
                group["lr"] = next(steps)
            optimiser.zero_grad()
            F.cross_entropy(module(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    return module.eval()
