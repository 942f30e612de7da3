"""A user's factory: what it may return, how its failures are told, and what storage makes of its module."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests import nets
from tests.support import blobs, forgetting, same_state

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model, read_model, write_model
from neurosieve.artifacts.view import module_runtime
from neurosieve.errors import UserError
from neurosieve.interventions.analysis import importance
from neurosieve.interventions.pruning import magnitude
from neurosieve.interventions.unlearning import finetune, ssd
from neurosieve.models.own.module import Params, build

SCHEMA = {"input_shape": [1, 6, 6], "classes": 3}


def own(name: str, **arguments: object) -> Model:
    torch.manual_seed(0)
    return build_model("own.module", {"factory": f"tests.nets:{name}", "arguments": arguments}, SCHEMA)


def stored(model: Model, folder: Path) -> Model:
    folder.mkdir()
    write_model(folder, model)
    return read_model(folder, lambda key: folder)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Writes the user's module `theirs_<test>` and gives its name."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(text: str) -> str:
        (tmp_path / "theirs_tried.py").write_text(text)
        sys.modules.pop("theirs_tried", None)
        return "theirs_tried"

    yield write
    sys.modules.pop("theirs_tried", None)


def test_tied_weights_are_stored_and_stay_tied(tmp_path: Path) -> None:
    model = own("Tied")
    again = stored(model, tmp_path / "m").system
    assert same_state(model.system, again)
    assert again.first.weight is again.last.weight
    with torch.no_grad():
        again.first.weight.mul_(2)
    assert torch.equal(again.last.weight, 2 * model.system.last.weight)


def test_channels_last_is_the_same_to_the_bit(tmp_path: Path) -> None:
    plain, strided = own("images"), own("images", layout="channels_last")
    folders = [tmp_path / name for name in ("plain", "strided")]
    again = [stored(model, folder) for model, folder in zip((plain, strided), folders, strict=True)]
    assert len({(folder / "model.safetensors").read_bytes() for folder in folders}) == 1
    x = np.random.default_rng(0).normal(size=(8, 1, 6, 6)).astype(np.float32)
    answers = [module_runtime(model.system)(x).tobytes() for model in (plain, strided, *again)]
    assert len(set(answers)) == 1


def test_channels_last_is_the_same_to_the_bit_after_every_verb(tmp_path: Path) -> None:
    data = forgetting(blobs(rows=24, shape=(1, 6, 6)), np.arange(8))
    results = []
    for layout in ("contiguous", "channels_last"):
        model = own("images", layout=layout)
        model.system.eval()
        noted = importance.intervene(model, data, importance.Params(batch=8), Log())
        made = ssd.intervene(noted, data, ssd.Params(alpha=1), Log())
        made = magnitude.intervene(made, data, magnitude.Params(sparsity=0.5), Log())
        made = finetune.intervene(made, data, finetune.Params(epochs=1, batch=8), 0, Log())
        (tmp_path / layout).mkdir()
        write_model(tmp_path / layout, made)
        results.append((tmp_path / layout / "model.safetensors").read_bytes())
    assert results[0] == results[1]


def test_names_are_checked_when_the_plan_is_made() -> None:
    for wrong in ("nets", "nets.mlp", "nets:", ":build", "nets/mlp.py:build", "nets:a.b"):
        with pytest.raises(ValidationError):
            Params(factory=wrong)


def test_a_class_is_a_factory_too() -> None:
    assert isinstance(build(Params(factory="tests.nets:Reader", arguments={"words": 5}), SCHEMA), nets.Reader)


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("import torch\n\nraise ValueError('no licence')\n", "build",
         r"importing theirs_tried fails: theirs_tried.py:3: ValueError: no licence"),
        ("import nowhere_at_all\n", "build", "theirs_tried.py:1: ModuleNotFoundError: No module named 'nowhere_at"),
        ("import sys\nsys.exit(3)\n", "build", "theirs_tried.py:2: SystemExit: 3"),
        ("def build(:\n", "build", "theirs_tried.py:1: SyntaxError"),
        ("def made():\n    return 1\n", "mode", r"has no function 'mode' \(did you mean 'made'\?\)"),
        ("build = 3\n", "build", "has no function 'build'"),
        ("def build():\n    return 1\n", "build", "theirs_tried:build returns a int, not a torch.nn.Module"),
        ("def build(width):\n    return 1\n", "build", r"build with no arguments fails: .*TypeError: .*'width'"),
        ("import torch\ndef build():\n    torch.nn.Linear(4, 'x')\n", "build", "fails: theirs_tried.py:3: TypeError"),
    ],
)  # fmt: skip
def test_failures_are_one_line_with_the_users_own(user, text: str, name: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        build(Params(factory=f"{user(text)}:{name}"), SCHEMA)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_lazy_layers_have_no_shape() -> None:
    with pytest.raises(UserError, match=r"tests.nets:lazy: '1.weight' has no shape yet; let the factory run one batch"):
        build(Params(factory="tests.nets:lazy"), SCHEMA)


def test_a_module_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"own.module: no module 'nowhere.at.all' in the project's folder or installed"):
        build(Params(factory="nowhere.at.all:build"), SCHEMA)
