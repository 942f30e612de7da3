"""Weights from files: strictly, with the remedy named, and never by running what a file holds (FC-A5, FC-A6)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file, save_model
from tests.support import blobs, same_state

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.errors import UserError
from neurosieve.training.given.weights import Params, read, train

FITTING = {"perceptron": {"inputs": 4, "classes": 3}, "Tied": {"size": 4}}


def own(name: str = "perceptron", seed: int = 0) -> Model:
    torch.manual_seed(seed)
    params = {"factory": f"tests.nets:{name}", "arguments": FITTING[name]}
    return build_model("own.module", params, {"input_shape": [4], "classes": 3})


def loaded(file: Path, model: Model | None = None, **params: object) -> Model:
    return train(model or own(seed=1), Data.of(blobs()), Params(file=str(file), **params), Log())


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return dict(own().system.state_dict())


def test_weights_are_the_files_whatever_was_drawn(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    save_file(state, tmp_path / "m.safetensors")
    model = loaded(tmp_path / "m.safetensors")
    assert same_state(model.system, own().system)
    assert not model.system.training


@pytest.mark.parametrize("prefix", ["module.", "model.net."])
def test_prefixes_are_stripped_by_name(tmp_path: Path, state: dict[str, torch.Tensor], prefix: str) -> None:
    file = tmp_path / "m.safetensors"
    save_file({prefix + name: value for name, value in state.items()}, file)
    assert same_state(loaded(file, strip=prefix).system, own().system)
    says = rf"does not fit the network: first missing '0.bias', first unexpected '{prefix}0.bias' \(9 and 9\)"
    with pytest.raises(
        UserError, match=rf"m.safetensors {says}; names in the file begin with '{prefix}': add `strip: {prefix}`"
    ):
        loaded(file)
    with pytest.raises(UserError, match=rf"strip: 'x.' does not fit the names in it \(the first is '{prefix}0.bias'\)"):
        loaded(file, strip="x.")


def test_nested_weights_are_named(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    file = tmp_path / "m.pt"
    prefixed = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 3, "state_dict": prefixed}, file)
    assert same_state(loaded(file, nested="state_dict", strip="module.").system, own().system)
    with pytest.raises(
        UserError, match=r"m.pt: 'epoch' is a int, not a weight; add `nested: state_dict` beside `file`"
    ):
        loaded(file)
    with pytest.raises(UserError, match="nested: nothing is called 'weights'; it holds epoch, state_dict"):
        loaded(file, nested="weights")
    with pytest.raises(
        UserError, match=r"first missing '0.bias', first unexpected 'module.0.bias'.*add `strip: module.`"
    ):
        loaded(file, nested="state_dict")


def test_plain_torch_files_are_read(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save(state, tmp_path / "m.pth")
    assert same_state(loaded(tmp_path / "m.pth").system, own().system)


@pytest.mark.parametrize("kind", ["config", "module", "parameter"])
def test_files_that_would_have_to_be_run_are_refused(tmp_path: Path, state: dict[str, torch.Tensor], kind: str) -> None:
    from omegaconf import OmegaConf

    content = {
        "config": {"state_dict": state, "config": OmegaConf.create({"lr": 0.1})},
        "module": own().system,
        "parameter": {"state_dict": state, "at": Path("x")},
    }[kind]
    torch.save(content, tmp_path / "m.pt")
    named = {"config": "omegaconf.dictconfig.DictConfig", "module": "torch.nn.modules.container.Sequential",
             "parameter": r"pathlib\.\w+"}[kind]  # fmt: skip
    with pytest.raises(UserError, match=f"holds an object of {named}, which cannot be read without running") as caught:
        loaded(tmp_path / "m.pt", nested="state_dict")
    text = str(caught.value)
    assert "save_model(model, 'model.safetensors')" in text
    assert "\n" not in text
    for advice in ("weights_only", "safe_globals", "trust", "False"):
        assert advice not in text


def test_a_pickle_under_the_name_of_safetensors(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    file = tmp_path / "m.safetensors"
    torch.save(state, file)
    says = "m.safetensors is a pickle of torch.save, whatever its name says, not safetensors; .*save_model"
    with pytest.raises(UserError, match=says):
        loaded(file)
    file.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(UserError, match=says):
        loaded(file)


def test_a_good_file_may_begin_like_a_pickle(tmp_path: Path) -> None:
    """The first byte is the length of the header: 128 is also how a pickle begins."""
    file = tmp_path / "m.safetensors"
    save_file({"1.weight": torch.zeros(3, 3), "1.bias": torch.zeros(3)}, file)
    assert file.read_bytes()[:1] == b"\x80"
    assert set(read(file)) == {"1.weight", "1.bias"}


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt"])
@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\0" * 64])
def test_other_content_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"given.weights: {name} cannot be read as") as caught:
        loaded(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_tensor_alone_is_no_weights(tmp_path: Path) -> None:
    torch.save(torch.zeros(3), tmp_path / "m.pt")
    with pytest.raises(UserError, match=r"m.pt holds a Tensor, not weights by name"):
        loaded(tmp_path / "m.pt")


Change = Callable[[dict[str, torch.Tensor]], object]
CHANGES: dict[str, tuple[Change, str]] = {
    "missing": (lambda s: s.pop("4.bias"), r"first missing '4.bias', none unexpected \(1 and 0\); is this the file"),
    "more": (lambda s: s.update(zz=torch.zeros(1)), r"none missing, first unexpected 'zz' \(0 and 1\)"),
    "shape": (lambda s: s.update({"4.bias": torch.zeros(5)}), r"'4.bias' has shape \[5\], wanted \[3\]; .*arguments"),
    "kind": (
        lambda s: s.update({"4.bias": torch.zeros(3, dtype=torch.int64)}),
        "'4.bias' is torch.int64, the network's",
    ),
    "nan": (lambda s: s.update({"4.bias": torch.tensor([0, np.nan, 1])}), "'4.bias' holds numbers that are not finite"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_fit_is_named(tmp_path: Path, state: dict[str, torch.Tensor], change: str) -> None:
    act, says = CHANGES[change]
    act(state)
    save_file(state, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match=says) as caught:
        loaded(tmp_path / "m.safetensors")
    assert "\n" not in str(caught.value)


def test_tied_weights_need_one_name_only(tmp_path: Path) -> None:
    tied = own("Tied")
    save_model(tied.system, tmp_path / "m.safetensors")
    model = loaded(tmp_path / "m.safetensors", own("Tied", seed=1))
    assert same_state(model.system, tied.system)
    assert model.system.first.weight is model.system.last.weight


def test_tied_weights_that_differ_are_refused(tmp_path: Path) -> None:
    save_file({"first.weight": torch.zeros(4, 4), "last.weight": torch.ones(4, 4)}, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match=r"ties 'first.weight' and 'last.weight', in the file they differ"):
        loaded(tmp_path / "m.safetensors", own("Tied"))


def test_halves_and_doubles_become_the_networks_own(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    halves = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file(halves, tmp_path / "m.safetensors")
    model = loaded(tmp_path / "m.safetensors")
    assert model.system[0].weight.dtype == torch.float32
    assert torch.equal(model.system[0].weight, halves["0.weight"].float())


def test_labels_outside_the_logits_are_told(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    save_file(state, tmp_path / "m.safetensors")
    with pytest.raises(UserError, match=r"tests.nets:perceptron gives 3 logits, the data have labels up to 4"):
        train(own(), Data.of(blobs(classes=5)), Params(file=str(tmp_path / "m.safetensors")), Log())
