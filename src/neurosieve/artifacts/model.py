"""Models: `model.safetensors` and `model.json`; loading needs no pickle and gives bit-identical outputs.

A model's system is a `torch.nn.Module` or any object with `state_dict()` and `load_state_dict(state)` over named
arrays. Further tensors are named `<role>.<parameter>` (`importance.conv1.weight`, `mask.fc.weight`, `threshold.3`)
and lie in the same file. A light change of a heavy model stores `base` and only the tensors that differ.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosieve.artifacts.store import unreadable
from neurosieve.errors import UserError

FILE = "model.safetensors"


@dataclass(frozen=True)
class Model:
    """A system with what it takes to build it again.

    `component` and `params` name the builder below `neurosieve.models`; `schema` is what `build` was given about
    the data; `tensors` are extra tensors by full name (`<role>.<parameter>`); `notes` hold what a role's tensors
    mean (how an importance was computed); `steps` the components applied so far; `companions` the models named
    by `with:`, in order; `key` and `parent` are keys of nodes.
    """

    system: Any
    component: str
    params: Mapping[str, Any]
    schema: Mapping[str, Any]
    tensors: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    companions: tuple[Model, ...] = ()
    device: str = "cpu"
    key: str = ""
    parent: str = ""

    def with_(self, **changes: Any) -> Model:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def role(self, role: str) -> dict[str, Any]:
        """Extra tensors of a role, by parameter name without the role's prefix; empty if there are none."""
        return {name[len(role) + 1 :]: tensor for name, tensor in self.tensors.items() if name.startswith(f"{role}.")}

    def add_role(self, role: str, tensors: Mapping[str, Any], note: Any = None) -> Model:
        """A copy that carries these tensors under the role (replacing what the role held)."""
        others = {name: tensor for name, tensor in self.tensors.items() if not name.startswith(f"{role}.")}
        named = {f"{role}.{name}": tensor for name, tensor in tensors.items()}
        notes = dict(self.notes) if note is None else {**self.notes, role: note}
        return replace(self, tensors={**others, **named}, notes=notes)


def build_model(component: str, params: Mapping[str, Any], schema: Mapping[str, Any], device: str = "cpu") -> Model:
    """Build a fresh system: `neurosieve.models.<component>.build(Params(**params), schema)`."""
    module = importlib.import_module(f"neurosieve.models.{component}")
    system = module.build(module.Params.model_validate(params), schema)
    if hasattr(system, "to"):
        system.to(device)
    return Model(system, component, dict(params), dict(schema), device=device)


def write_model(directory: Path, model: Model, *, base: Model | None = None) -> None:
    """Write `model.safetensors` and `model.json`; with `base`, only tensors that differ from it."""
    state = {name: _to_numpy_or_torch(value) for name, value in model.system.state_dict().items()}
    extra = {name: _to_numpy_or_torch(value) for name, value in model.tensors.items()}
    clash = sorted(set(state) & set(extra))
    if clash:
        raise UserError(f"model {model.component}: tensor name '{clash[0]}' is both a parameter and an extra tensor")
    stored = {**state, **extra}
    if base is not None:
        known = {**base.system.state_dict(), **base.tensors}
        stored = {name: value for name, value in stored.items() if name not in known or not _same(value, known[name])}
    _save(directory / FILE, stored)
    record = {
        "component": model.component,
        "params": dict(model.params),
        "schema": dict(model.schema),
        "state": sorted(state),
        "tensors": sorted(extra),
        "notes": dict(model.notes),
        "steps": list(model.steps),
        "parent": model.parent,
        "base": base.key if base is not None else None,
        "framework": "numpy" if _is_numpy({**state, **extra}) else "torch",
    }
    (directory / "model.json").write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def read_model(directory: Path, find: Callable[[str], Path], *, device: str = "cpu", key: str = "") -> Model:
    """Load a model directory; `find` gives the directory of a base by key.

    Raises UserError naming the first missing and the first unexpected tensor when file and architecture disagree.
    """
    try:
        record = json.loads((directory / "model.json").read_text())
    except (OSError, ValueError) as error:
        raise UserError(f"{directory}/model.json cannot be read: {error}") from None
    tensors = _all_tensors(directory, record, find)
    model = build_model(record["component"], record["params"], record["schema"], device)
    state = {name: tensor for name, tensor in tensors.items() if name in set(record["state"])}
    load_state(model.system, state, f"{directory / FILE} ({record['component']})")
    extra = {name: tensors[name] for name in record["tensors"]}
    return model.with_(
        tensors=extra, notes=record["notes"], steps=tuple(record["steps"]), parent=record["parent"], key=key
    )


def load_state(system: Any, state: Mapping[str, Any], where: str) -> None:
    """Load named tensors strictly into a system; only those it calls `resizable` may have another shape than it has.

    Raises UserError with the first name or shape that disagrees.
    """
    wanted = system.state_dict()
    missing, unexpected = sorted(set(wanted) - set(state)), sorted(set(state) - set(wanted))
    if missing or unexpected:
        first = f"first missing '{missing[0]}'" if missing else "none missing"
        other = f"first unexpected '{unexpected[0]}'" if unexpected else "none unexpected"
        raise UserError(
            f"{where} does not belong to this architecture: {first}, {other} ({len(missing)} and {len(unexpected)})"
        )
    for name, value in wanted.items():
        if name not in getattr(system, "resizable", ()) and tuple(value.shape) != tuple(state[name].shape):
            raise UserError(
                f"{where} does not belong to this architecture: '{name}' has shape {tuple(state[name].shape)},"
                f" wanted {tuple(value.shape)}"
            )
    system.load_state_dict(dict(state))


def _all_tensors(directory: Path, record: Mapping[str, Any], find: Callable[[str], Path]) -> dict[str, Any]:
    """Tensors of a directory composed with those of its bases, oldest first."""
    tensors: dict[str, Any] = {}
    if record["base"]:
        base = find(record["base"])
        tensors = _all_tensors(base, json.loads((base / "model.json").read_text()), find)
    wanted = set(record["state"]) | set(record["tensors"])
    tensors = {name: tensor for name, tensor in tensors.items() if name in wanted}
    tensors.update(_load(directory / FILE, record["framework"]))
    return tensors


def _to_numpy_or_torch(value: Any) -> Any:
    """Contiguous values detached from any graph, on the CPU; numpy stays numpy."""
    if isinstance(value, np.ndarray):
        return np.asarray(value, order="C")  # keeps scalars scalar
    return value.detach().to("cpu").contiguous().clone()


def _same(value: Any, other: Any) -> bool:
    """Equal to the bit: -0.0 is not 0.0, and a NaN equals itself."""
    if value.dtype != other.dtype or value.shape != other.shape:
        return False
    if isinstance(value, np.ndarray):
        return value.tobytes() == np.asarray(other).tobytes()
    import torch

    bits = [tensor.detach().to("cpu").contiguous().reshape(-1).view(torch.uint8) for tensor in (value, other)]
    return torch.equal(*bits)


def _is_numpy(tensors: Mapping[str, Any]) -> bool:
    return all(isinstance(value, np.ndarray) for value in tensors.values())


def _save(path: Path, tensors: Mapping[str, Any]) -> None:
    if _is_numpy(tensors):
        from safetensors.numpy import save_file
    else:
        import torch
        from safetensors.torch import save_file

        tensors = {n: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for n, v in tensors.items()}
    save_file(dict(tensors), path)


def _load(path: Path, framework: str) -> dict[str, Any]:
    """Tensors of a file, as torch tensors or numpy arrays."""
    from safetensors import SafetensorError

    if framework == "torch":
        from safetensors.torch import load_file
    else:
        from safetensors.numpy import load_file
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        message = f"{path} cannot be read as safetensors ({error}); delete its folder and rerun"
        raise unreadable(path.parent, message) from None
