"""What a variant costs: size of its network, work of one inference, CPU seconds of training and intervention.

parameters: trainable weights; nonzeros: those that are not 0; macs: multiply-accumulates of one row through
convolutions, linear and recurrent layers, zeros included (a dense format stores and multiplies them); layers_empty:
maskable layers without a weight. train_seconds and intervention_seconds are those of the variant's own chain; a
training on retained rows IS the intervention. intervention_seconds_total adds what could be computed before the
request.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import polars as pl
from pydantic import BaseModel, ConfigDict

from neurosieve.artifacts.dataset import DatasetInfo
from neurosieve.artifacts.metrics import Measure, frame
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.view import Step, View

if TYPE_CHECKING:
    from torch import nn


class Params(BaseModel):
    """Nothing to set."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def evaluate(view: View, params: Params) -> pl.DataFrame:
    """Counts from the network's tensors, seconds from the chain of steps."""
    sizes = [] if view.model is None else [Measure(name, n) for name, n in counts(view.model, view.data.info).items()]
    times = [Measure(name, value, timing=True) for name, value in seconds(view.steps).items()]
    return frame(sizes + times)


def counts(model: Model, info: DatasetInfo) -> dict[str, int]:
    """parameters, nonzeros, macs, layers_empty of a torch network; empty for any other system."""
    from torch import nn

    from neurosieve.models.masked import maskable

    if not isinstance(model.system, nn.Module):
        return {}
    parameters = list(model.system.parameters())
    return {
        "parameters": sum(p.numel() for p in parameters),
        "nonzeros": sum(int(p.count_nonzero()) for p in parameters),
        "macs": macs(model.system, tuple(model.schema["input_shape"]), info.columns[info.inputs].dtype),
        "layers_empty": sum(not bool(p.any()) for p in maskable(model.system).values()),
    }


def macs(module: nn.Module, input_shape: tuple[int, ...], dtype: str = "float32") -> int:
    """Multiply-accumulates of one row [*input_shape] through the convolutions, linear and recurrent layers that run.

    Rows of whole numbers (`dtype`), such as token ids, are given as such.
    """
    import copy

    import torch
    from torch import nn

    total = 0

    def count(layer: nn.Module, given: tuple[torch.Tensor, ...], output: Any) -> None:
        nonlocal total
        if isinstance(layer, nn.RNNBase):  # every matrix once per step of the sequence
            total += given[0].shape[int(layer.batch_first)] * sum(p.numel() for p in layer.parameters() if p.dim() == 2)
            return
        # every output element is a sum over the inputs of one output channel
        total += output.numel() * math.prod(layer.get_parameter("weight").shape[1:])

    work = copy.deepcopy(module).eval()
    for layer in work.modules():
        if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.RNNBase)):
            layer.register_forward_hook(count)
    weight = next(work.parameters())
    with torch.inference_mode():
        kind = torch.int64 if dtype == "int64" else weight.dtype
        work(torch.zeros(1, *input_shape, dtype=kind, device=weight.device))
    return total


def seconds(steps: Iterable[Step]) -> dict[str, float]:
    """train_seconds, intervention_seconds and intervention_seconds_total (CPU); absent where nothing of it ran."""
    found: dict[str, float] = {}

    def add(metric: str, value: float) -> None:
        found[metric] = found.get(metric, 0.0) + value

    for step in steps:
        trained = step.seconds.get("train_seconds")
        spent = step.seconds.get("intervention_seconds")
        if trained is not None and not step.beside:
            add("train_seconds", trained)
            if step.rows == "retain":
                spent = trained
        if spent is not None:
            add("intervention_seconds_total", spent)
            if not step.beside:
                add("intervention_seconds", spent)
    return found
