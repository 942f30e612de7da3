"""Diagonal importances of a network's parameters: powers of batch gradients and of per-row gradients.

For batches b_1..b_B of rows, batch gradients give (1/B) sum_b |g_b|^power with g_b the gradient of a batch's mean
loss (a short last batch weighs as much as a full one); per-row gradients give (1/n) sum_i |g_i|^power. The diagonal
of the empirical Fisher information is power 2 (Kirkpatrick et al. 2017); batch gradients are what the code of
Foster et al. 2024 squares. The network is used in eval mode and is not changed.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from neurosieve.kernels.layout import lay_out

Objective = Callable[[Tensor, Tensor], Tensor]
"""Logits [rows, classes] and row numbers [rows] -> one loss per row [rows]."""


ROOM = 2**24
"""Numbers that the gradients of the rows computed at once may take: 64 MB in single precision."""


def batch_gradients(
    module: nn.Module, inputs: Tensor, batches: Sequence[Tensor], objective: Objective, power: int = 2
) -> dict[str, Tensor]:
    """Mean over batches of |gradient of the batch's mean loss|^power, by parameter name.

    `batches` hold row numbers of `inputs` [rows, ...]. A parameter the output does not depend on gets zeros.
    """
    work = frozen_copy(module)
    total = [torch.zeros_like(p) for p in work.parameters()]
    for rows in batches:
        loss = objective(work(inputs[rows]), rows).mean()
        _accumulate(total, _gradients(loss, list(work.parameters())), power)
    names = [name for name, _ in work.named_parameters()]
    return {name: (t / len(batches)).contiguous() for name, t in zip(names, total, strict=True)}


def row_gradients(
    module: nn.Module, inputs: Tensor, batches: Sequence[Tensor], objective: Objective, power: int = 2
) -> dict[str, Tensor]:
    """Mean over rows of |gradient of the row's loss|^power, by parameter name.

    Linear, Conv2d and BatchNorm layers get their gradients from outputs' gradients and inputs (squares of outer
    products, without one backward pass per row); a network with any other parameters, or that uses a layer twice, gets
    them by `torch.func`, and what that cannot do is looped over row by row.
    """
    work = frozen_copy(module)
    layers = _layers(work)
    if layers is None:
        return _mapped(work, inputs, batches, objective, power)
    total = {name: torch.zeros_like(p) for name, p in work.named_parameters()}
    for rows in batches:
        seen = _forward(work, layers, inputs[rows])
        if seen is None:  # a layer used twice: its row gradients would have to be added before the power
            return _mapped(work, inputs, batches, objective, power)
        outputs, calls = seen
        loss = objective(outputs, rows).sum()
        deltas = _gradients(loss, [call[1] for call in calls.values()])
        for (name, (given, _)), delta in zip(calls.items(), deltas, strict=True):
            for suffix, summed in _summed(layers[name], given, delta, power):
                total[f"{name}.{suffix}" if name else suffix] += summed
    rows_seen = sum(len(rows) for rows in batches)
    return {name: (t / rows_seen).contiguous() for name, t in total.items()}


def _mapped(
    work: nn.Module, inputs: Tensor, batches: Sequence[Tensor], objective: Objective, power: int
) -> dict[str, Tensor]:
    """Per-row gradients by `vmap` over `grad`, as many rows at once as fit into `ROOM`; else one after the other."""
    weights = {name: p.detach() for name, p in work.named_parameters()}
    buffers = dict(work.named_buffers())
    rows = torch.cat(list(batches))
    chunk = max(1, ROOM // max(1, sum(p.numel() for p in weights.values())))

    def loss(weights: dict[str, Tensor], given: Tensor, row: Tensor) -> Tensor:
        return objective(functional_call(work, (weights, buffers), (given[None],)), row[None])[0]

    total = {name: torch.zeros_like(p) for name, p in weights.items()}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="There is a performance drop")  # still faster than a loop
            for part in rows.split(chunk):
                for name, gradient in vmap(grad(loss), (None, 0, 0))(weights, inputs[part], part).items():
                    total[name] += gradient.abs().pow(power).sum(dim=0)
    except (RuntimeError, ValueError):  # control flow by values, in-place writes: nothing was changed
        return batch_gradients(work, inputs, [row[None] for row in rows], objective, power)
    return {name: (t / len(rows)).contiguous() for name, t in total.items()}


def frozen_copy(module: nn.Module) -> nn.Module:
    """A copy in eval mode whose parameters all take gradients, in one layout whatever the original's."""
    return lay_out(copy.deepcopy(module).eval().requires_grad_(True), torch.channels_last)


def _gradients(loss: Tensor, wanted: Sequence[Tensor]) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(wanted), allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, found, strict=True)]


def _accumulate(total: Iterable[Tensor], gradients: Iterable[Tensor], power: int) -> None:
    for t, gradient in zip(total, gradients, strict=True):
        if power == 2:
            t.addcmul_(gradient, gradient)
        else:
            t.add_(gradient.abs().pow(power))


def _layers(module: nn.Module) -> dict[str, nn.Module] | None:
    """Layers that own parameters, by name; None where one of them is of a kind without a closed form."""
    layers = {name: m for name, m in module.named_modules() if list(m.parameters(recurse=False))}
    owned = sum(len(list(layer.parameters(recurse=False))) for layer in layers.values())
    shared = owned != len(list(module.parameters()))
    return None if shared or not all(_closed_form(layer) for layer in layers.values()) else layers


def _closed_form(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
        return layer.running_mean is not None
    return type(layer) is nn.Linear


def _forward(
    module: nn.Module, layers: dict[str, nn.Module], inputs: Tensor
) -> tuple[Tensor, dict[str, tuple[Tensor, Tensor]]] | None:
    """Outputs and, per layer, its input and output; None if a layer ran twice or not at all."""
    calls: dict[str, list[tuple[Tensor, Tensor]]] = {name: [] for name in layers}

    def keep(name: str) -> Callable[..., Tensor]:
        def hook(_module: nn.Module, given: tuple[Any, ...], output: Tensor) -> Tensor:
            calls[name].append((given[0].detach(), output))
            return output.clone()  # a later in-place operation must not replace the output that was kept

        return hook

    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    try:
        outputs = module(inputs)
    finally:
        for handle in handles:
            handle.remove()
    if any(len(made) != 1 for made in calls.values()):
        return None
    return outputs, {name: made[0] for name, made in calls.items()}


def _summed(layer: nn.Module, given: Tensor, delta: Tensor, power: int) -> Iterable[tuple[str, Tensor]]:
    """Sum over rows of |gradient of the row|^power [*parameter] of a layer.

    A row's gradient in a linear layer is an outer product, and a power of that one of powers: no row's is written out.
    """
    if isinstance(layer, nn.Linear) and delta.dim() == 2:
        spread = delta.abs().pow(power)
        yield "weight", spread.T @ given.abs().pow(power)
        if layer.bias is not None:
            yield "bias", spread.sum(dim=0)
        return
    for suffix, gradient in _row_gradient(layer, given, delta):
        yield suffix, gradient.abs().pow(power).sum(dim=0)


def _row_gradient(layer: nn.Module, given: Tensor, delta: Tensor) -> Iterable[tuple[str, Tensor]]:
    """Per-row gradients [rows, *parameter] of a layer from its input and its output's gradient."""
    rows = len(delta)
    if isinstance(layer, nn.Conv2d):
        kernel, padding = layer.weight.shape[2:], tuple(int(side) for side in layer.padding)
        patches = F.unfold(given, tuple(kernel), layer.dilation, padding, layer.stride)
        spread = delta.flatten(2)  # [rows, outputs, positions]
        weight = torch.bmm(spread, patches.transpose(1, 2)).view(rows, *layer.get_parameter("weight").shape)
        bias = spread.sum(dim=2)
    elif isinstance(layer, nn.Linear):
        spread = delta.reshape(rows, -1, delta.shape[-1])  # [rows, positions, outputs]
        weight = torch.bmm(spread.transpose(1, 2), given.reshape(rows, spread.shape[1], -1))
        bias = spread.sum(dim=1)
    elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d)):
        mean, variance = layer.get_buffer("running_mean"), layer.get_buffer("running_var")
        shape = (1, -1, *[1] * (given.dim() - 2))
        normed = (given - mean.view(shape)) * torch.rsqrt(variance + layer.eps).view(shape)
        weight = (delta * normed).reshape(rows, delta.shape[1], -1).sum(dim=2)
        bias = delta.reshape(rows, delta.shape[1], -1).sum(dim=2)
    else:
        raise TypeError(f"no closed form for {type(layer).__name__}")
    yield "weight", weight
    if layer.bias is not None:
        yield "bias", bias
