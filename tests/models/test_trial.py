"""A network is tried on a batch before anything is spent: every misfit is one line."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from tests.support import blobs, dataset_of, same_state

from neurosieve.artifacts.model import Model, build_model
from neurosieve.errors import UserError
from neurosieve.models.trial import check_model


def own(name: str, arguments: dict | None = None, **more: object) -> Model:
    params = {"factory": f"tests.nets:{name}", "arguments": arguments or {}, **more}
    return build_model("own.module", params, {"input_shape": [4], "classes": 3})


def numbers() -> object:
    x = np.zeros((6, 4), np.float32)
    return dataset_of({"train": (x, np.linspace(0, 1, 6, dtype=np.float32))}).split("train")


def test_what_fits_passes_and_is_not_changed() -> None:
    model = own("perceptron", {"inputs": 4, "classes": 3})
    before = copy.deepcopy(model.system)
    check_model(model, blobs().split("train"))
    assert same_state(model.system, before)
    assert model.system.training


def test_one_number_per_row_is_a_regression() -> None:
    check_model(own("linear", {"inputs": 4, "classes": 1}), numbers())
    with pytest.raises(UserError, match=r"tests.nets:linear gives \[3\] numbers per row, the data have one"):
        check_model(own("linear", {"inputs": 4}), numbers())


@pytest.mark.parametrize(
    ("name", "arguments", "more", "says"),
    [
        ("linear", {"inputs": 4, "classes": 2}, {}, "gives 2 logits, the data have labels up to 2$"),
        (
            "linear",
            {"inputs": 4, "classes": 1},
            {},
            "gives 1 logits, the data have labels up to 2; two classes take two",
        ),
        ("linear", {"inputs": 5}, {}, r"tests.nets:linear given a batch \[4, 4\] of float32 fails: .*RuntimeError"),
        ("Reader", {}, {}, r"given a batch \[4, 4\] of float32 fails: nets.py:\d+: RuntimeError: .*Long"),
        ("Wrapped", {"kind": "mapping"}, {}, "returns a dict with logits, hidden, not a tensor; .* `output:`"),
        ("Wrapped", {"kind": "none"}, {}, "returns a NoneType, not a tensor"),
        (
            "Wrapped",
            {"kind": "mapping"},
            {"output": "logit"},
            "output: logit: a dict has no such part; .* logits, hidden",
        ),
        (
            "Odd",
            {"in_features": 4, "out_features": 3},
            {},
            "'_extra_state' of its state is no tensor and cannot be stored",
        ),
        ("Drawing", {}, {}, r"made twice and given the same weights, it answers differently: .*register_buffer"),
    ],
)
def test_misfits_are_told_in_one_line(name: str, arguments: dict, more: dict, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        check_model(own(name, arguments, **more), blobs().split("train"))
    assert "\n" not in str(caught.value)


def test_outputs_that_are_not_finite_are_told() -> None:
    model = own("linear", {"inputs": 4})
    torch.nn.init.constant_(model.system[1].weight, torch.inf)
    with pytest.raises(UserError, match="not finite; are the inputs prepared as in training"):
        check_model(model, blobs().split("train"))


@pytest.mark.parametrize(("kind", "part"), [("mapping", "logits"), ("pair", "1")])
def test_a_part_of_what_is_returned(kind: str, part: str) -> None:
    check_model(own("Wrapped", {"kind": kind}, output=part), blobs().split("train"))
