"""Models: bit-identical after a reload, without pickle, whole or as the difference from a base."""

import copy
import json
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from tests.support import model_of, same_state, small_resnet

from neurosieve.artifacts.model import FILE, Model, build_model, load_state, read_model, write_model
from neurosieve.errors import UserError


def saved(directory: Path, model: Model, base: Model | None = None) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    write_model(directory, model, base=base)
    return directory


def nowhere(key: str) -> Path:
    raise AssertionError(f"asked for a base {key}")


def trained(seed: int = 0) -> Model:
    """A small resnet9 whose batch statistics are no longer the initial ones."""
    model = small_resnet(seed=seed)
    draw = torch.Generator().manual_seed(seed)
    model.system.train()
    with torch.no_grad():
        model.system(torch.randn(16, 1, 11, 11, generator=draw))
    model.system.eval()
    return model


def test_reloaded_model_gives_the_same_bits(tmp_path: Path) -> None:
    model = trained()
    back = read_model(saved(tmp_path, model), nowhere, key="0123")
    x = torch.randn(7, 1, 11, 11, generator=torch.Generator().manual_seed(1))
    back.system.eval()
    with torch.inference_mode():
        assert torch.equal(back.system(x), model.system(x))
    assert same_state(back.system, model.system)
    assert back.key == "0123"
    assert (back.component, back.params, back.schema) == (model.component, model.params, model.schema)


def test_file_is_tensors_and_json_only(tmp_path: Path) -> None:
    """The format holds no code: a length, a JSON header, and bytes that the header accounts for."""
    saved(tmp_path, trained())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", FILE]
    content = (tmp_path / FILE).read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__") == len(content) - (
        8 + length
    )
    with safe_open(tmp_path / FILE, "numpy") as file:
        assert sorted(file.keys()) == json.loads((tmp_path / "model.json").read_text())["state"]


def test_channels_last_weights_are_saved_like_contiguous_ones(tmp_path: Path) -> None:
    model = trained()
    other = model.with_(system=copy.deepcopy(model.system).to(memory_format=torch.channels_last))
    strides = [value.is_contiguous() for value in other.system.state_dict().values()]
    assert not all(strides)
    one, two = saved(tmp_path / "a", model), saved(tmp_path / "b", other)
    assert (one / FILE).read_bytes() == (two / FILE).read_bytes()
    assert same_state(read_model(two, nowhere).system, model.system)


def test_views_and_transposed_weights_are_saved_by_value(tmp_path: Path) -> None:
    state = {"w": torch.arange(12.0).reshape(3, 4).T[1:], "b": torch.arange(20.0)[::3]}
    model = model_of(SimpleNamespace(state_dict=lambda: state), (1,), 2)
    saved(tmp_path, model)
    with safe_open(tmp_path / FILE, "pt") as file:
        assert all(torch.equal(file.get_tensor(name), value) for name, value in state.items())


def test_tied_weights_are_saved_under_each_name(tmp_path: Path) -> None:
    first = torch.nn.Linear(3, 3)
    second = torch.nn.Linear(3, 3)
    second.weight = first.weight
    net = torch.nn.Sequential(first, second)
    saved(tmp_path, model_of(net, (3,), 3))
    with safe_open(tmp_path / FILE, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    assert torch.equal(tensors["0.weight"], tensors["1.weight"])
    other = copy.deepcopy(net)
    torch.nn.init.zeros_(other[0].weight)
    load_state(other, tensors, "here")
    assert other[0].weight is other[1].weight
    assert torch.equal(other[1].weight, first.weight)


def test_roles_travel_in_the_same_file(tmp_path: Path) -> None:
    importance = {"conv1.weight": torch.rand(2, 3), "fc": torch.tensor(0.5)}
    model = trained().add_role("importance", importance, {"rows": "forget"}).add_role("mask", {"fc": torch.ones(2)})
    back = read_model(saved(tmp_path, model), nowhere)
    assert sorted(back.tensors) == ["importance.conv1.weight", "importance.fc", "mask.fc"]
    assert all(torch.equal(back.role("importance")[name], value) for name, value in importance.items())
    assert back.notes == {"importance": {"rows": "forget"}}
    assert back.role("threshold") == {}
    again = back.add_role("importance", {"fc": torch.zeros(1)})
    assert sorted(again.tensors) == ["importance.fc", "mask.fc"]


def test_numpy_systems_keep_dtype_shape_and_bits(tmp_path: Path) -> None:
    tensors = {
        "t.scalar": np.array(3.5),
        "t.empty": np.zeros((0, 3)),
        "t.bits": np.array([True, False]),
        "t.nan": np.array([np.nan, -0.0, np.inf], np.float16),
        "t.fortran": np.asfortranarray(np.arange(6, dtype=np.int64).reshape(2, 3)),
    }
    saved(tmp_path, model_of(SimpleNamespace(state_dict=dict), (1,), 2, tensors=tensors))
    with safe_open(tmp_path / FILE, "numpy") as file:
        for name, value in tensors.items():
            back = file.get_tensor(name)
            assert (back.dtype, back.shape) == (value.dtype, value.shape), name
            assert back.tobytes() == np.ascontiguousarray(value).tobytes()


def test_a_name_that_is_parameter_and_extra_is_refused(tmp_path: Path) -> None:
    model = trained()
    name = sorted(model.system.state_dict())[0]
    with pytest.raises(UserError, match=f"tensor name '{name}' is both a parameter and an extra tensor"):
        write_model(tmp_path, model.with_(tensors={name: torch.zeros(1)}))


def test_wrong_architecture_names_first_missing_and_first_unexpected(tmp_path: Path) -> None:
    saved(tmp_path, trained())
    record = json.loads((tmp_path / "model.json").read_text())
    renamed = {f"module.{name}": name for name in record["state"]}
    with safe_open(tmp_path / FILE, "pt") as file:
        tensors = {new: file.get_tensor(old) for new, old in renamed.items()}
    from safetensors.torch import save_file

    save_file(tensors, tmp_path / FILE)
    (tmp_path / "model.json").write_text(json.dumps({**record, "state": sorted(tensors)}))
    first = min(record["state"])
    message = f"does not belong to this architecture: first missing '{first}', first unexpected 'module.{first}'"
    with pytest.raises(UserError, match=message):
        read_model(tmp_path, nowhere)


def test_wrong_shape_names_the_tensor(tmp_path: Path) -> None:
    model = trained()
    state = dict(model.system.state_dict())
    name = next(name for name, value in state.items() if value.ndim == 4)
    state[name] = state[name][:, :, :1]
    with pytest.raises(UserError, match=rf"'{name}' has shape \(.*\), wanted \("):
        load_state(model.system, state, "file")


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.99])
def test_truncated_file_is_one_line(tmp_path: Path, keep: float) -> None:
    path = saved(tmp_path, trained()) / FILE
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(UserError, match=r"cannot be read as safetensors .*delete its folder and rerun"):
        read_model(tmp_path, nowhere)


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    path = saved(tmp_path, trained()) / FILE
    torch.save({"weight": torch.zeros(2)}, path)
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        read_model(tmp_path, nowhere)


def test_missing_description_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.json cannot be read"):
        read_model(tmp_path, nowhere)


def test_difference_from_a_base_composes(tmp_path: Path) -> None:
    """Two steps, each storing what it changed; removed extra tensors stay removed, signed zeros and NaN count."""
    base = trained().with_(key="base").add_role("importance", {"fc": torch.rand(4)})
    system = copy.deepcopy(base.system)
    changed = next(name for name, value in system.named_parameters() if value.ndim == 1)
    with torch.no_grad():
        system.get_parameter(changed)[:] = 0.0
    first = base.with_(system=system, key="first").add_role("threshold", {"1": torch.tensor(float("nan"))})
    again = copy.deepcopy(system)
    with torch.no_grad():
        again.get_parameter(changed)[:] = -0.0
    second = first.with_(system=again, key="second", tensors={"threshold.1": first.tensors["threshold.1"]})
    folders = {"base": saved(tmp_path / "base", base), "first": saved(tmp_path / "first", first, base)}
    saved(tmp_path / "second", second, read_model(folders["first"], folders.__getitem__, key="first"))
    with safe_open(tmp_path / "first" / FILE, "pt") as file:
        assert sorted(file.keys()) == sorted([changed, "threshold.1"])
    with safe_open(tmp_path / "second" / FILE, "pt") as file:
        assert list(file.keys()) == [changed]
    back = read_model(tmp_path / "second", folders.__getitem__)
    assert list(back.tensors) == ["threshold.1"]
    for name, value in second.system.state_dict().items():
        got = back.system.state_dict()[name]
        assert got.numpy().tobytes() == value.numpy().tobytes(), name


def test_build_needs_valid_parameters() -> None:
    with pytest.raises(ValueError, match="width"):
        build_model("vision.resnet9", {"width": -1}, {"input_shape": [1, 11, 11], "classes": 2})
