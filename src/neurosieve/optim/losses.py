"""Losses shared by training, interventions and importances. Logits are [rows, classes].

Targets in floating point are numbers to be predicted (regression): their loss is the squared error.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def supervised(module: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of a network's logits, in nats; of numbers to be predicted the mean squared error."""
    outputs = module(inputs)
    if labels.is_floating_point():
        return F.mse_loss(outputs.reshape(labels.shape), labels)
    return F.cross_entropy(outputs, labels)


def row_losses(outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss that `supervised` averages, of each row [rows]."""
    if labels.is_floating_point():
        return (outputs.reshape(labels.shape) - labels).square()
    return F.cross_entropy(outputs, labels, reduction="none")


def squared_logits(logits: Tensor) -> Tensor:
    """Squared Euclidean norm of each row's logits [rows]: a loss without labels (Foster et al. 2024, LFSSD)."""
    return logits.reshape(len(logits), -1).square().sum(dim=1)


def mixed_targets(flag: Tensor, bad: Tensor, good: Tensor, temperature: float = 1.0) -> Tensor:
    """Probabilities [rows, classes] of the bad teacher where `flag` [rows] is 1, of the good teacher elsewhere."""
    chosen = torch.where(flag[:, None].bool(), bad, good)
    return F.softmax(chosen / temperature, dim=1)


def divergence_per_element(student: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(targets || softmax(student / temperature)), averaged over rows AND classes; no factor temperature^2."""
    return F.kl_div(F.log_softmax(student / temperature, dim=1), targets, reduction="none").mean()


def jensen_shannon(first: Tensor, second: Tensor, temperature: float = 1.0) -> Tensor:
    """Jensen-Shannon divergence of softmax(first / temperature) and softmax(second / temperature) [rows], in nats.

    JS(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2; from 0 to ln 2.
    """
    p, q = (F.log_softmax(logits / temperature, dim=1) for logits in (first, second))
    mixture = torch.logaddexp(p, q) - math.log(2)
    divergences = (F.kl_div(mixture, side, reduction="none", log_target=True).sum(dim=1) for side in (p, q))
    return sum(divergences, torch.zeros(len(first), dtype=p.dtype, device=p.device)) / 2


def distilled(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """T^2 KL(softmax(teacher / T) || softmax(student / T)), summed over classes, averaged over rows (Hinton et al.)."""
    logs, target = (F.log_softmax(logits / temperature, dim=1) for logits in (student, teacher))
    return F.kl_div(logs, target, reduction="sum", log_target=True) * temperature**2 / len(student)
