"""States as JSON and bytes: what comes back is what was given, to the bit, whatever it holds."""

import json
import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from neurosieve.artifacts.trees import Arrays, decode, encode

KEYS = st.text() | st.integers() | st.tuples(st.text())
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.text()), inner)
    ),
    max_leaves=12,
)
ARRAYS = arrays_of.arrays(
    arrays_of.scalar_dtypes().filter(lambda dtype: dtype.kind in "biufc"),
    arrays_of.array_shapes(min_dims=0, min_side=0, max_side=4),
)


def there_and_back(value: Any, into: Any = None) -> Any:
    """Encoded, through a JSON text, decoded."""
    arrays: Arrays = {}
    tree = json.loads(json.dumps(encode(value, arrays)))
    assert all(array.dtype == np.uint8 for array in arrays.values())
    return decode(tree, arrays, into)


@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    assert repr(there_and_back(value)) == repr(value)  # repr: a NaN is itself, 1 is not 1.0 nor True


@given(ARRAYS)
def test_arrays_come_back(value: np.ndarray) -> None:
    back = there_and_back([value])[0]
    assert (back.dtype, back.shape, back.tobytes()) == (value.dtype, value.shape, value.tobytes())
    assert back.flags.writeable


@pytest.mark.parametrize("value", [np.float32(0.1), np.int64(3), np.bool_(True), np.str_("ä")])
def test_numpy_scalars_stay_numpy_scalars(value: np.generic) -> None:
    back = there_and_back(value)
    assert type(back) is type(value)
    assert back == value


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.uint8, torch.bool])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4, 5)])
def test_tensors_come_back(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    value = (torch.randn(shape) * 10).to(dtype)
    back = there_and_back(value)
    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    assert torch.equal(back, value)


def test_tensors_keep_their_layout() -> None:
    plain = torch.randn(2, 3, 4, 5)
    for value in (plain.contiguous(memory_format=torch.channels_last), plain.transpose(0, 1), plain):
        back = there_and_back(value)
        assert back.stride() == value.stride()
        assert torch.equal(back, value)


@pytest.mark.parametrize(
    ("make", "draw"),
    [
        (lambda: random.Random(3), lambda g: g.random()),
        (lambda: np.random.default_rng(3), lambda g: g.standard_normal()),
        (lambda: np.random.Generator(np.random.MT19937(3)), lambda g: g.standard_normal()),
        (lambda: np.random.RandomState(3), lambda g: g.standard_normal()),
        (lambda: torch.Generator().manual_seed(3), lambda g: torch.randn(1, generator=g).item()),
    ],
    ids=["random", "pcg64", "mt19937", "legacy", "torch"],
)
def test_generators_go_on_where_they_stood(make: Any, draw: Any) -> None:
    source, other = make(), make()
    for _ in range(3):  # an odd number: a normal deviate may be in store
        draw(source)
    arrays: Arrays = {}
    tree = encode({"g": source}, arrays)
    following = [draw(source) for _ in range(5)]
    assert decode(tree, arrays, {"g": other})["g"] is other
    assert [draw(other) for _ in range(5)] == following


def test_live_objects_are_put_back_in_place() -> None:
    torch.manual_seed(0)
    module, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    adam, another = torch.optim.Adam(module.parameters()), torch.optim.Adam(other.parameters())
    module(torch.ones(1, 3)).sum().backward()
    adam.step()
    weight = other.weight
    back = there_and_back({"m": module, "o": adam}, {"m": other, "o": another})
    assert back == {"m": other, "o": another}
    assert other.weight is weight
    assert torch.equal(weight, module.weight)
    assert torch.equal(another.state[weight]["exp_avg"], adam.state[module.weight]["exp_avg"])


@pytest.mark.parametrize("value", [object(), {1, 2}, np.array([object()]), lambda: None])
def test_what_cannot_be_kept_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be kept"):
        encode({"x": value}, {})


def test_a_kept_object_needs_one_to_be_put_into() -> None:
    arrays: Arrays = {}
    tree = encode({"g": random.Random(1)}, arrays)
    with pytest.raises(TypeError, match="is not there to be put back"):
        decode(tree, arrays, {})
    with pytest.raises(TypeError, match="is no random generator"):
        decode(tree, arrays, {"g": [1]})
