import re

import numpy as np
import onnx
import pytest
import torch
from tests.support import BnNet, blobs, model_of, same_state, small_resnet
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.errors import UserError
from neurosieve.export._graph import count_nonzeros, weights
from neurosieve.export.onnx import FILE, Params, export, load
from neurosieve.interventions.pruning import magnitude

EXAMPLE = np.random.default_rng(0).normal(size=(5, 1, 6, 6)).astype(np.float32)


class Dropping(BnNet):
    """In train mode its outputs are random and its running statistics move."""

    def __init__(self):
        super().__init__(1, 3)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(super().forward(x))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx")
    torch.manual_seed(0)
    net = Dropping().train()
    net(torch.from_numpy(EXAMPLE))
    before = Dropping()
    before.load_state_dict(net.state_dict())
    record = export(model_of(net, (1, 6, 6), 3), EXAMPLE, Params(repeats=3), path)
    return path, net, before, record


def test_exported_in_eval_mode_and_the_network_is_left_alone(exported):
    path, net, before, record = exported
    assert net.training
    assert same_state(net, before)
    expected = before.eval()(torch.from_numpy(EXAMPLE)).detach().numpy()
    np.testing.assert_allclose(load(path)(EXAMPLE), expected, atol=1e-5)
    values = {(m.metric, str(m.at)): m for m in record.measures}
    assert values["max_logit_difference", "None"].value < 1e-5


@pytest.mark.parametrize("batch", [1, 2, 7, 64, 100])
def test_any_number_of_rows(exported, batch):
    path, _, before, _ = exported
    rows = np.random.default_rng(batch).normal(size=(batch, 1, 6, 6)).astype(np.float32)
    expected = before.eval()(torch.from_numpy(rows)).detach().numpy()
    np.testing.assert_allclose(load(path)(rows), expected, atol=1e-5)


def test_the_record(exported):
    path, _, _, record = exported
    assert (record.target, record.files, record.runtime) == ("onnx", (FILE,), "onnxruntime")
    sizes = {m.metric: m.value for m in record.measures if not m.timing}
    assert sizes["size_bytes"] == (path / FILE).stat().st_size
    assert sizes["nonzeros"] == count_nonzeros(weights(onnx.load(path / FILE)))
    ratios = [m for m in record.measures if m.timing]
    assert [(m.metric, m.at) for m in ratios] == [("latency_ratio", {"batch": 1}), ("latency_ratio", {"batch": 64})]
    assert all(m.value > 0 for m in ratios)
    assert record.facts["opset"] == 20
    assert "neither smaller nor faster" in record.facts["storage"]
    assert record.facts["instruction_set"]
    assert record.facts["batches"] == [1, 2, 7, 64]


def test_one_file_with_the_operator_set_asked_for_and_no_paths(exported):
    path, *_ = exported
    assert [file.name for file in path.iterdir()] == [FILE]
    proto = onnx.load(path / FILE)
    assert {entry.domain: entry.version for entry in proto.opset_import}[""] == 20
    assert not re.search(rb"[\w-]+\.py\b|/src/|site-packages", (path / FILE).read_bytes())


def test_equal_models_give_equal_files(tmp_path, exported):
    path, _, before, _ = exported
    export(model_of(before, (1, 6, 6), 3), EXAMPLE, Params(repeats=3), tmp_path)
    assert (tmp_path / FILE).read_bytes() == (path / FILE).read_bytes()


def test_pruning_does_not_shrink_a_dense_file(tmp_path):
    images = blobs(12, 3, (1, 11, 11))
    model = small_resnet(width=2)
    pruned = magnitude.intervene(model, Data.of(images), magnitude.Params(sparsity=0.9, keep_per_layer=1), Log())
    sizes = []
    for name, one in (("dense", model), ("pruned", pruned)):
        (tmp_path / name).mkdir()
        record = export(one, images.split("test").x, Params(opset=18, repeats=3), tmp_path / name)
        values = {m.metric: m.value for m in record.measures}
        assert values["latency_ratio"] > 0
        sizes.append(values["size_bytes"])
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert 0.8 < record.facts["zeros"] < 0.9
    assert record.facts["opset"] == 18


class Fixed(nn.Module):
    """Works for two rows only."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        return self.layer(x) + torch.ones(2, 3)


class Counted(nn.Module):
    """Works for any number of rows, but a Python branch fixes it when traced."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, x):
        y = self.layer(x)
        return y * 2 if x.shape[0] == 2 else y


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (Fixed(), r"does not run at a batch of 7: aten.add.Tensor fails"),
        (Counted(), "fixes the batch to 2 rows|outputs differ"),
    ],
)
def test_a_frozen_batch_is_one_line_that_names_the_operation(tmp_path, net, message):
    example = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    with pytest.raises(UserError, match=message):
        export(model_of(net, (4,), 3), example, Params(repeats=3), tmp_path)


def test_parity_beyond_the_tolerance_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("neurosieve.export.onnx.largest_difference", lambda *_: float("nan"))
    with pytest.raises(UserError, match="outputs differ from the network's by nan"):
        export(model_of(BnNet(1, 3), (1, 6, 6), 3), EXAMPLE, Params(repeats=3), tmp_path)


def test_numbers_in_the_millions_may_differ_by_what_rounding_leaves(tmp_path, monkeypatch):
    net = nn.Linear(4, 1)
    nn.init.constant_(net.weight, 1e6)
    example = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    for difference, passes in ((0.5, True), (50.0, False)):
        monkeypatch.setattr("neurosieve.export.onnx.largest_difference", lambda *_, off=difference: off)
        if passes:
            export(model_of(net, (4,), 1), example, Params(repeats=3), tmp_path)
        else:
            with pytest.raises(UserError, match="outputs differ from the network's by 50, more than"):
                export(model_of(net, (4,), 1), example, Params(repeats=3), tmp_path)
