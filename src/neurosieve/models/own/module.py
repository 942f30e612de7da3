"""Your own network: any `torch.nn.Module` that maps a batch to logits [rows, classes], or to numbers [rows] or [n, 1].

`factory` names a function (or the class itself) of yours, `their_package.module:function`, in the project's folder or
installed; called with `arguments` it returns the module. Its code enters the results' names like a component's. It may
return a module in train mode (it is put into eval mode wherever it is measured or exported), with tied weights, and in
any memory layout. `output` takes one part of what the module returns: `logits` of a transformers model.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, JsonValue, field_validator
from torch import nn
from torch.nn.parameter import UninitializedParameter

from neurosieve.artifacts.raw import OwnCode
from neurosieve.errors import UserError, near
from neurosieve.models.trial import failed


class Params(BaseModel):
    """Which function makes the network, and with what."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    factory: OwnCode
    """`package.module:function` that returns a torch.nn.Module."""
    arguments: dict[str, JsonValue] = {}
    """Arguments of the factory, by name."""
    output: str | None = None
    """Attribute, key or number of what the module returns that holds the logits; left out: it returns them."""

    @field_validator("factory")
    @classmethod
    def _named(cls, factory: str) -> str:
        if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", factory):
            raise ValueError("the function that builds the network is written package.module:function")
        return factory


def build(params: Params, schema: Mapping[str, Any]) -> nn.Module:
    """The network that the factory makes, its weights contiguous; the schema is not told to it.

    Raises UserError, naming the user's file and line, where importing or calling the factory fails, and where what it
    returns is no module.
    """
    factory = _imported(params.factory)
    try:
        module = factory(**params.arguments)
    except (Exception, SystemExit) as error:  # whatever a user's function raises
        raise failed(f"own.module: {params.factory} with {_shown(params.arguments)}", error) from None
    if not isinstance(module, nn.Module):
        raise UserError(f"own.module: {params.factory} returns a {type(module).__name__}, not a torch.nn.Module")
    if lazy := [name for name, p in module.named_parameters() if isinstance(p, UninitializedParameter)]:
        raise UserError(
            f"own.module: {params.factory}: '{lazy[0]}' has no shape yet; let the factory run one batch through"
            " lazy layers"
        )
    if params.output is not None:
        module.register_forward_hook(partial(_part, params.output))
    return contiguous(module)


def contiguous(module: nn.Module) -> nn.Module:
    """Give every weight the strides of a fresh tensor: sums are added in the same order whatever layout was chosen.

    `contiguous()` does not do for weights of one channel, which are contiguous in two layouts at once.
    """
    for p in module.parameters():
        if p.stride() != torch.empty(p.shape, device="meta").stride():
            p.data = p.data.clone(memory_format=torch.contiguous_format)
    return module


def _imported(factory: str) -> Any:
    """The function that `package.module:function` names."""
    name, _, attribute = factory.partition(":")
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise UserError(f"own.module: no module '{name}' in the project's folder or installed") from None
        raise failed(f"own.module: importing {name}", error) from None
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        raise failed(f"own.module: importing {name}", error) from None
    if not callable(found := getattr(module, attribute, None)):
        names = [one for one, value in vars(module).items() if callable(value) and not one.startswith("_")]
        raise UserError(f"own.module: {name} has no function '{attribute}'{near(attribute, names)}")
    return found


def _part(name: str, module: nn.Module, given: Any, output: Any) -> Any:
    """The named part of what the module returned (a forward hook)."""
    try:
        if isinstance(output, Mapping):
            return output[name]
        return output[int(name)] if name.isdigit() else getattr(output, name)
    except (KeyError, IndexError, AttributeError, TypeError):
        known = list(output) if isinstance(output, Mapping) else list(getattr(output, "__dict__", {}))
        parts, kind = ", ".join(map(str, known)) or "none", type(output).__name__
        raise UserError(f"own.module: output: {name}: a {kind} has no such part; it has {parts}") from None


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items()) or "no arguments"
