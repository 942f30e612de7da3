"""Attacks and distances that compare whole models: class attack, detectability, relearning, weights, outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosieve.errors import UserError

if TYPE_CHECKING:
    import torch


def log_probabilities(logits: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
    """Log-softmax over these classes alone [..., kept], of logits [..., classes]: the others are left out."""
    kept = np.asarray(logits, np.float64)
    kept = kept if classes is None else kept[..., classes]
    kept = kept - kept.max(-1, keepdims=True)
    return kept - np.log(np.exp(kept).sum(-1, keepdims=True))


def told_apart(unlearned: np.ndarray, retrained: np.ndarray, classes: np.ndarray, C: float = 1.0) -> np.ndarray:
    """Whether a logistic regression tells unlearned from retrained models, per left-out pair: 1, 0, or 0.5 at a tie.

    Logits are [models, rows, all classes] on the same rows; `classes` are the retained ones. Each model is one
    observation. Pair k (one of each) is left out and ranked by the fit to the others. On rows of the class that was
    forgotten this is the class attack, on other rows detectability. Raises UserError below 8 models a side or for
    unequal numbers.
    """
    from sklearn.linear_model import LogisticRegression

    if len(unlearned) != len(retrained) or len(unlearned) < 8:
        raise UserError(f"8 + 8 models or more are needed, in pairs; there are {len(unlearned)} + {len(retrained)}")
    n = len(unlearned)
    both = np.concatenate([unlearned, retrained])
    features = _rotated(log_probabilities(both, classes).reshape(2 * n, -1))
    truth, won = np.repeat([1, 0], n), []
    for k in range(n):
        rest = np.delete(np.arange(2 * n), [k, n + k])
        fitted = LogisticRegression(C=C, max_iter=1000).fit(features[rest], truth[rest])
        first, second = fitted.decision_function(features[[k, n + k]])
        won.append((np.sign(first - second) + 1) / 2)
    return np.array(won)


def _rotated(features: np.ndarray) -> np.ndarray:
    """Standardised features [models, columns] in the coordinates [models, models] of their span.

    A ridge-penalised regression on either is the same, and this one has as many columns as models. Standardised over
    all models, the left-out pair too: no label takes part.
    """
    centred = features - features.mean(0)
    scale = centred.std(0)
    centred = centred / np.where(scale > 0, scale, 1)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    return left * singular


def relearning_steps(
    module: torch.nn.Module, rows: tuple[torch.Tensor, torch.Tensor], level: float, lr: float, most: int
) -> int:
    """Full-batch gradient steps on the forget rows until their accuracy reaches `level`; `most` + 1 beyond `most`.

    The model is copied and stays in eval mode, so that BatchNorm's statistics do not relearn as well.
    """
    import copy

    import torch

    work = copy.deepcopy(module).eval().requires_grad_(True)
    parameters = list(work.parameters())
    for step in range(most + 1):
        outputs = work(rows[0])
        if float((outputs.argmax(1) == rows[1]).double().mean()) >= level:
            return step
        gradients = torch.autograd.grad(torch.nn.functional.cross_entropy(outputs, rows[1]), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= lr * gradient
    return most + 1


def alike(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether two networks have parameters of the same names and shapes."""
    first, second = ({name: p.shape for name, p in module.named_parameters()} for module in (one, other))
    return first == second


def weight_distance(one: torch.nn.Module, other: torch.nn.Module) -> float:
    """Euclidean distance of all parameters over the norm of the second's. Raises UserError for unlike networks."""
    import torch

    if not alike(one, other):
        raise UserError("the two networks have different parameters: their weights cannot be compared")
    second = dict(other.named_parameters())
    with torch.no_grad():
        apart = sum(float((p.double() - second[name].double()).square().sum()) for name, p in one.named_parameters())
        size = sum(float(p.double().square().sum()) for p in second.values())
    return (apart / size) ** 0.5


def output_distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean total variation distance of the softmaxes of logits [rows, classes]."""
    first, second = (np.exp(log_probabilities(logits)) for logits in (one, other))
    return float(np.abs(first - second).sum(-1).mean() / 2)
