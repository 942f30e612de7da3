"""A state as JSON and arrays of bytes, and back to the bit: values as new objects, live objects put back in place.

Tensors keep their dtype, device and memory layout: the same numbers in another layout may be added up in another way.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def encode(value: Any, arrays: Arrays) -> Any:
    """JSON for a value; the bytes of its arrays go into `arrays` as copies. Raises TypeError for what cannot be kept.

    Every value but a plain number, text or None is a list of one word, which names its kind, and what it holds.
    """
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biufcSU":
            raise TypeError(f"an array of {value.dtype} cannot be kept")
        kind = "array" if isinstance(value, np.ndarray) else "scalar"
        return [kind, _put(np.frombuffer(value.tobytes(), np.uint8), arrays), value.dtype.str, list(value.shape)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return ["dict", [[encode(key, arrays), encode(item, arrays)] for key, item in value.items()]]
    if isinstance(value, list | tuple):
        return ["list" if isinstance(value, list) else "tuple", [encode(item, arrays) for item in value]]
    if hasattr(value, "state_dict") and hasattr(value, "load_state_dict"):
        return ["live", encode(value.state_dict(), arrays)]
    if (state := _drawn_so_far(value)) is not None:
        return ["draws", encode(state, arrays)]
    if _is_torch(value, "Tensor"):
        return _encode_tensor(value, arrays)
    raise TypeError(f"a {type(value).__name__} cannot be kept: it has no state_dict and load_state_dict")


def decode(tree: Any, arrays: Mapping[str, np.ndarray], into: Any = None) -> Any:
    """The value that `encode` was given. `into` is a value of the same shape: its live objects are put back in place.

    Raises TypeError when a kept object has none to be put into, and what `load_state_dict` raises.
    """
    if not isinstance(tree, list):
        return tree
    kind, content = tree[0], tree[1]
    if kind in ("array", "scalar"):
        array = np.frombuffer(arrays[content].tobytes(), np.dtype(tree[2])).reshape(tree[3])
        return array.copy() if kind == "array" else array[()]
    if kind == "tensor":
        return _decode_tensor(tree, arrays)
    if kind == "dict":
        inner = into if isinstance(into, Mapping) else {}
        return {_key(key): decode(item, arrays, inner.get(_key(key))) for key, item in content}
    if kind in ("list", "tuple"):
        inside = into if isinstance(into, list | tuple) and len(into) == len(content) else [None] * len(content)
        items = [decode(item, arrays, old) for item, old in zip(content, inside, strict=True)]
        return items if kind == "list" else tuple(items)
    if into is None:
        raise TypeError("a kept object is not there to be put back")
    if kind == "live":
        into.load_state_dict(decode(content, arrays))
    else:
        _draw_on(into, decode(content, arrays))
    return into


def _put(array: np.ndarray, arrays: Arrays) -> str:
    name = f"a{len(arrays)}"
    arrays[name] = array.copy()
    return name


def _key(key: Any) -> Any:
    return tuple(key[1]) if isinstance(key, list) else key


def _drawn_so_far(value: Any) -> Any:
    """Where a random generator stands; None for anything else."""
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    return value.get_state() if _is_torch(value, "Generator") else None


def _draw_on(value: Any, state: Any) -> None:
    """Make a random generator go on from where another one stood. Raises TypeError for anything else."""
    if isinstance(value, random.Random):
        value.setstate(state)
    elif isinstance(value, np.random.Generator):
        value.bit_generator.state = state
    elif isinstance(value, np.random.RandomState) or _is_torch(value, "Generator"):
        value.set_state(state)
    else:
        raise TypeError(f"a {type(value).__name__} is no random generator")


def _is_torch(value: Any, name: str) -> bool:
    return "torch" in sys.modules and isinstance(value, getattr(sys.modules["torch"], name))


def _encode_tensor(value: Any, arrays: Arrays) -> Any:
    import torch

    plain = value.detach().cpu()
    content = plain.contiguous().reshape(-1).view(torch.uint8).numpy()
    strides = None if plain.is_contiguous() else list(plain.stride())
    dtype = str(value.dtype).removeprefix("torch.")
    return ["tensor", _put(content, arrays), dtype, list(value.shape), strides, str(value.device)]


def _decode_tensor(tree: list[Any], arrays: Mapping[str, np.ndarray]) -> Any:
    import torch

    _, name, dtype, shape, strides, device = tree
    # in memory of torch's own, which is aligned as that of any other tensor
    made = torch.empty(shape, dtype=getattr(torch, dtype))
    if made.numel():
        made.copy_(torch.from_numpy(arrays[name].copy()).view(made.dtype).reshape(shape))
    if strides is not None:
        made = torch.empty_strided(shape, strides, dtype=made.dtype).copy_(made)
    return made.to(device)
