"""Weights that you have trained already, read from a file and fitted to the network without a guess.

safetensors, or a PyTorch file (`.pt`, `.pth`, `.bin`, `.ckpt`) as far as it holds tensors and plain values: nothing in
it is ever run. Every tensor of the network must be in the file under its name and shape, and nothing else may be; of
tied weights one name is enough. The network counts as having learned from the dataset's training rows: declare those
rows, and only those, as training rows that it really was trained on.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model
from neurosieve.artifacts.raw import RawFile
from neurosieve.errors import UserError
from neurosieve.models.trial import check_model

GIVEN = True
PICKLES = (".pt", ".pth", ".bin", ".ckpt")
NESTS = ("state_dict", "model_state_dict", "model")
"""Keys under which checkpoints keep the weights."""
REMEDY = (
    "in the program that made it write the weights alone: from safetensors.torch import save_model;"
    " save_model(model, 'model.safetensors')"
)


class Params(BaseModel):
    """Where the weights are."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    file: RawFile
    """safetensors (or .pt, read without unpickling objects), relative to the project."""
    strip: str = ""
    """What the names in the file begin with and the network's do not: `module.`, `model.`."""
    nested: str | None = Field(None, min_length=1)
    """Key of a .pt file under which the weights lie, among other things: `state_dict`."""


def train(model: Model, data: Data, params: Params, log: Log) -> Model:
    """The model with the file's weights, in eval mode. Logs how many tensors and weights were read.

    Raises UserError for a file of another kind, tensors that are missing, unexpected, misshapen or not finite, and
    where the network does not fit the data.
    """
    state = read(Path(params.file), params.strip, params.nested)
    load(model.system, state, f"given.weights: {Path(params.file).name}")
    model.system.eval()
    check_model(model, data.train)
    log.step(tensors=len(state), weights=sum(value.numel() for value in state.values()))
    return model


def read(file: Path, strip: str = "", nested: str | None = None) -> dict[str, Tensor]:
    """Tensors of a file by name. Raises UserError for a file that cannot be read safely, or holds something else."""
    where = f"given.weights: {file.name}"
    state = _from_torch(file, nested, where) if file.suffix.lower() in PICKLES else _from_safetensors(file, where)
    if not strip:
        return state
    renamed = {name.removeprefix(strip): value for name, value in state.items()}
    if len(renamed) < len(state) or not any(name.startswith(strip) for name in state):
        first = next(iter(sorted(state)), "nothing")
        raise UserError(f"{where}: strip: '{strip}' does not fit the names in it (the first is '{first}')")
    return renamed


def load(system: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Load tensors strictly, in place. Raises UserError with the first name, shape or value that does not fit."""
    wanted = system.state_dict()
    state = _with_tied(wanted, state, where)
    missing, unexpected = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing or unexpected:
        first = f"first missing '{missing[0]}'" if missing else "none missing"
        other = f"first unexpected '{unexpected[0]}'" if unexpected else "none unexpected"
        raise UserError(
            f"{where} does not fit the network: {first}, {other} ({len(missing)} and {len(unexpected)})"
            f"{_hint(wanted, state)}"
        )
    for name, value in wanted.items():
        given = state[name]
        if given.shape != value.shape:
            shapes = f"shape {list(given.shape)}, wanted {list(value.shape)}"
            raise UserError(f"{where} does not fit the network: '{name}' has {shapes}; check the factory's arguments")
        if given.is_floating_point() != value.is_floating_point():
            raise UserError(f"{where}: '{name}' is {given.dtype}, the network's is {value.dtype}")
        if given.is_floating_point() and not torch.isfinite(given).all():
            raise UserError(f"{where}: '{name}' holds numbers that are not finite; take a checkpoint from before")
    system.load_state_dict(state)


def _with_tied(wanted: Mapping[str, Tensor], state: Mapping[str, Tensor], where: str) -> dict[str, Tensor]:
    """The state with every name of weights that the network ties; files often hold one name of them only."""
    full, owners = dict(state), {}
    for name, value in wanted.items():
        if value.numel():
            owners.setdefault((value.data_ptr(), value.shape, value.stride()), []).append(name)
    for names in (names for names in owners.values() if len(names) > 1):
        given = [name for name in names if name in state]
        for name in names if given else ():
            if name not in state:
                full[name] = state[given[0]]
            elif not torch.equal(state[name], state[given[0]]):
                raise UserError(f"{where}: the network ties '{given[0]}' and '{name}', in the file they differ")
    return full


def _hint(wanted: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """The YAML key that would mend the names, if one would."""
    for name in state:
        for own in wanted:
            prefix = name.removesuffix(own)
            if prefix != name and prefix and sum(one.startswith(prefix) for one in state) >= len(wanted):
                return f"; names in the file begin with '{prefix}': add `strip: {prefix}` beside `file`"
    return "; is this the file of this network, with these arguments?"


def _from_safetensors(file: Path, where: str) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        with file.open("rb") as opened:  # only now: the length that a good file begins with may look like a pickle
            begins = opened.read(2)
        if begins == b"PK" or begins[:1] == b"\x80":
            raise UserError(
                f"{where} is a pickle of torch.save, whatever its name says, not safetensors; {REMEDY}"
            ) from None
        raise UserError(f"{where} cannot be read as safetensors ({error}); {REMEDY}") from None


def _from_torch(file: Path, nested: str | None, where: str) -> dict[str, Tensor]:
    """Tensors of a PyTorch file, read by the unpickler that knows tensors and plain values only."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, their texts propose to switch the safety off
        raise UserError(f"{where} {_why(error)}; {REMEDY}") from None
    if nested is not None:
        if not isinstance(found, Mapping) or nested not in found:
            raise UserError(f"{where}: nested: nothing is called '{nested}'{_holds(found)}")
        found = found[nested]
    if not isinstance(found, Mapping):
        raise UserError(f"{where} holds a {type(found).__name__}, not weights by name; {REMEDY}")
    others = [str(name) for name, value in found.items() if not isinstance(value, Tensor)]
    if others:
        nest = next((n for n in (*NESTS, *others) if isinstance(found.get(n), Mapping)), None)
        hint = f"; add `nested: {nest}` beside `file`" if nest and nested is None else ""
        raise UserError(
            f"{where}: '{others[0]}' is a {type(found[others[0]]).__name__}, not a weight{hint}; or {REMEDY}"
        )
    return {str(name): value.detach() for name, value in found.items()}


def _holds(found: object) -> str:
    return f"; it holds {', '.join(map(str, list(found)[:8]))}" if isinstance(found, Mapping) else ""


def _why(error: Exception) -> str:
    """Which object cannot be read safely; what else is wrong with the file."""
    if named := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return f"holds an object of {named[1]}, which cannot be read without running code"
    if isinstance(error, FileNotFoundError):
        return "is not there"
    if "TorchScript" in str(error):
        return "is a program of TorchScript, not weights"
    return f"cannot be read as weights ({type(error).__name__}: damaged, or another kind of file)"
