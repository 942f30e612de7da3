"""A network tried on a few rows before anything is spent on it, and its failures told with the user's file and line."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from neurosieve.artifacts.dataset import Split
from neurosieve.artifacts.model import Model, build_model
from neurosieve.errors import UserError

ROWS = 4
"""Rows that a network is tried on."""


def check_model(model: Model, split: Split) -> None:
    """Run some rows through the network as evaluations do, and compare its outputs with the targets of all rows.

    The network is not changed. Raises UserError where it fails, gives no finite numbers or not one output per row,
    knows fewer classes than the data, or draws something at its making that its state does not hold.
    """
    what = f"{model.component}: {model.params['factory']}" if "factory" in model.params else model.component
    if odd := [name for name, value in model.system.state_dict().items() if not isinstance(value, Tensor)]:
        raise UserError(f"{what}: '{odd[0]}' of its state is no tensor and cannot be stored; make it a buffer")
    inputs = split.take(np.arange(min(ROWS, len(split)))).tensor()
    outputs = outputs_of(model.system, inputs, what)
    if not torch.isfinite(outputs).all():
        raise UserError(f"{what}: outputs of the first rows are not finite; are the inputs prepared as in training?")
    _refuse_unfit(outputs, split, what)
    again = build_model(model.component, model.params, model.schema).system
    again.load_state_dict(model.system.state_dict())
    if not torch.allclose(outputs_of(again, inputs, what), outputs, rtol=1e-3, atol=1e-4):
        raise UserError(
            f"{what}: made twice and given the same weights, it answers differently: what it draws at its making must"
            " be a parameter or a buffer (register_buffer), and forward must not draw in eval mode"
        )


def outputs_of(module: nn.Module, inputs: Tensor, what: str) -> Tensor:
    """Outputs [rows, ...] of a copy in eval mode. Raises UserError where it fails, or gives no number for each row."""
    given = f"a batch {list(inputs.shape)} of {str(inputs.dtype).removeprefix('torch.')}"
    device = next((p.device for p in module.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            outputs = copy.deepcopy(module).eval()(inputs.to(device))
    except UserError:
        raise
    except Exception as error:  # whatever a user's module raises
        raise failed(f"{what} given {given}", error) from None
    if not isinstance(outputs, Tensor):
        names = ", ".join(map(str, outputs)) if isinstance(outputs, Mapping) else ""
        shown = f" with {names}" if names else ""
        raise UserError(
            f"{what} returns a {type(outputs).__name__}{shown}, not a tensor; name the wanted part under `output:`"
        )
    if not outputs.is_floating_point() or outputs.dim() < 1 or len(outputs) != len(inputs):
        raise UserError(f"{what}: {given} gives {outputs.dtype} {list(outputs.shape)}, not numbers for each row")
    return outputs.cpu()


def _refuse_unfit(outputs: Tensor, split: Split, what: str) -> None:
    """Raises UserError where outputs [rows, ...] cannot be compared with the split's targets."""
    info, shape = split.info, list(outputs.shape[1:])
    if info.target is None:
        return
    if info.regression:
        if shape not in ([], [1]):
            raise UserError(f"{what} gives {shape} numbers per row, the data have one number to predict")
        return
    if len(shape) != 1:
        raise UserError(f"{what} gives {shape or 'one number'} per row, logits [classes] are wanted")
    largest = int(split.y.max())
    if largest >= shape[0]:
        name = f" ('{info.class_names[largest]}')" if largest < len(info.class_names) else ""
        hint = "; two classes take two logits" if shape[0] == 1 else ""
        raise UserError(f"{what} gives {shape[0]} logits, the data have labels up to {largest}{name}{hint}")


def failed(doing: str, error: BaseException) -> UserError:
    """What went wrong, in one line, with the last line of the user's own code that ran."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    line = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
    if isinstance(error, SyntaxError) and error.filename:
        line = f"{Path(error.filename).name}:{error.lineno}: "
    return UserError(f"{doing} fails: {line}{type(error).__name__}: {str(error).strip() or 'no message'}")


def _is_users(file: str) -> bool:
    """Whether a file is the user's: no library's, none of this package's and none of Python's own."""
    path, ours, standard = Path(file), Path(__file__).parents[1], Path(traceback.__file__).parent
    packaged = {"site-packages", "dist-packages"} & set(path.parts) or file.startswith("<")
    return not packaged and not path.is_relative_to(ours) and not path.is_relative_to(standard)
