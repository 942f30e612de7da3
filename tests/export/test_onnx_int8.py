import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from pydantic import ValidationError
from tests.support import blobs, forgetting_class, model_of, perceptron, small_resnet
from torch import nn

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import write_model
from neurosieve.errors import UserError
from neurosieve.export import onnx_int8
from neurosieve.export.onnx_int8 import FILE, Comparison, Params, export, instruction_set, load
from neurosieve.interventions.pruning import magnitude
from neurosieve.training.supervised import backprop

IMAGES = blobs(240, 3, (1, 11, 11))
DATA = Data.of(IMAGES)
SRC = Path(__file__).parents[2] / "src"


@pytest.fixture(scope="module")
def trained():
    return backprop.train(small_resnet(width=4), DATA, backprop.Params(epochs=4, batch=32), 0, Log())


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("int8")
    pruned = magnitude.intervene(trained, DATA, magnitude.Params(sparsity=0.5), Log())
    model = pruned.with_(system=pruned.system.train())
    before = {name: value.clone() for name, value in model.system.state_dict().items()}
    record = export(model, IMAGES.split("train").x, Params(repeats=3), path)
    return path, model, before, record


def values(record):
    return {(m.metric, str(m.at or "")): m for m in record.measures}


def test_the_network_is_left_alone(exported):
    _, model, before, _ = exported
    assert model.system.training
    assert all(torch.equal(value, before[name]) for name, value in model.system.state_dict().items())


def test_it_says_what_the_network_says(exported):
    path, model, _, record = exported
    test = IMAGES.split("test")
    with torch.no_grad():
        expected = model.system.eval()(test.tensor()).numpy()
    said = load(path)(test.x)
    model.system.train()
    assert (said.argmax(1) == expected.argmax(1)).mean() > 0.9
    assert Comparison.of(expected, said).nrmse < 0.1
    found = values(record)
    assert found["argmax_agreement", ""].value > 0.9
    assert found["output_nrmse", ""].value < 0.1
    assert 0 < found["max_logit_difference", ""].value < 1.0


@pytest.mark.parametrize("batch", [1, 2, 7, 64, 100])
def test_any_number_of_rows(exported, batch):
    rows = np.resize(IMAGES.split("train").x, (batch, 1, 11, 11))
    assert load(exported[0])(rows).shape == (batch, 3)


def test_the_record(exported):
    path, _, _, record = exported
    assert (record.target, record.files, record.runtime) == ("onnx-int8", (FILE,), "onnxruntime")
    assert [file.name for file in path.iterdir()] == [FILE]
    found = values(record)
    assert found["size_bytes", ""].value == (path / FILE).stat().st_size
    compared = {at for metric, at in found if metric == "argmax_agreement" and at}
    assert compared == {str({"calibrator": name}) for name in ("minmax", "entropy", "percentile")}
    assert found["output_nrmse", "{'calibrator': 'minmax'}"].value == found["output_nrmse", ""].value
    assert {str(m.at) for m in record.measures if m.timing} == {"{'batch': 1}", "{'batch': 64}"}
    facts = record.facts
    assert facts["instruction_set"] == instruction_set()
    assert facts["calibration_rows"] + facts["held_out_rows"] == 240
    assert (facts["calibrator"], facts["reduce_range"], "percentile" in facts) == ("minmax", False, False)


def test_nonzeros_are_not_above_those_in_single_precision(exported, tmp_path):
    _, model, _, record = exported
    from neurosieve.export import onnx as single

    real = single.export(model, IMAGES.split("train").x, single.Params(repeats=3), tmp_path)
    there, here = values(real), values(record)
    assert 0.9 * there["nonzeros", ""].value < here["nonzeros", ""].value <= there["nonzeros", ""].value
    assert here["size_bytes", ""].value < 0.7 * there["size_bytes", ""].value


def test_the_cost_of_seven_bits_is_shown(trained, tmp_path):
    record = export(trained, IMAGES.split("train").x, Params(repeats=3, reduce_range=True), tmp_path)
    found = values(record)
    full = found["output_nrmse", "{'reduce_range': 'false'}"].value
    assert full < found["output_nrmse", ""].value
    assert record.facts["reduce_range"] is True


RUN = """
import sys
from pathlib import Path
import numpy as np
from neurosieve.artifacts.model import read_model
from neurosieve.export.onnx_int8 import Params, export
here = Path(sys.argv[1])
(here / sys.argv[2]).mkdir()
export(read_model(here, lambda key: here), np.load(here / "rows.npy"), Params(repeats=3), here / sys.argv[2])
"""


@pytest.mark.slow
def test_two_runs_write_the_same_bytes(trained, tmp_path):
    write_model(tmp_path, trained)
    np.save(tmp_path / "rows.npy", IMAGES.split("train").x)
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONPATH": str(SRC), "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", RUN, str(tmp_path), seed], env=environment, check=True)
    one, two = ((tmp_path / seed / FILE).read_bytes() for seed in ("1", "2"))
    assert one == two


def rare(rows=600):
    """Rows whose class is told by values a thousand times larger than the rest, in one feature out of two hundred."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(rows, 400)).astype(np.float32) * 1e-3
    x[np.arange(rows), np.arange(rows) % 2] = 1.0
    return x


def separating():
    net = perceptron(400, 2, bias=False)
    net[0].weight.data.zero_()
    net[0].weight.data[:, :2] = torch.eye(2)
    return model_of(net, (400,), 2)


def test_a_collapse_names_the_calibrator_and_the_first_layer(tmp_path):
    settings = Params(calibrator="percentile", percentile=99.0, repeats=3)
    with pytest.raises(
        UserError, match=r"calibrator percentile collapses: .* the first layer that diverges is the input"
    ):
        export(separating(), rare(), settings, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_calibrator_that_was_not_chosen_may_collapse_and_is_shown(tmp_path):
    found = values(export(separating(), rare(), Params(percentile=99.0, repeats=3), tmp_path))
    assert found["argmax_agreement", ""].value == 1.0
    assert found["output_nrmse", "{'calibrator': 'percentile'}"].value > 0.5


def test_a_network_of_constant_output_is_no_collapse(tmp_path):
    with pytest.warns(UserWarning, match="output no longer depends on its input"):
        pruned = magnitude.intervene(small_resnet(width=2), DATA, magnitude.Params(sparsity=0.99), Log())
    found = values(export(pruned, IMAGES.split("train").x, Params(repeats=3), tmp_path))
    assert found["max_logit_difference", ""].value < 1e-3
    assert found["nonzeros", ""].value <= int(0.01 * 40_000)


def test_very_few_rows(tmp_path):
    record = export(model_of(perceptron(4, 6, 3), (4,), 3), np.ones((1, 4), np.float32), Params(repeats=3), tmp_path)
    assert (record.facts["calibration_rows"], record.facts["held_out_rows"]) == (1, 0)


def test_compared_on_validation_rows(trained, tmp_path):
    train, other = IMAGES.split("train").x, IMAGES.split("test").x
    record = export(trained, train, Params(repeats=3), tmp_path, validation=other)
    assert (record.facts["calibration_rows"], record.facts["held_out_rows"]) == (240, 30)
    with torch.no_grad():
        expected = trained.system.eval()(torch.from_numpy(other)).numpy()
    own = Comparison.of(expected, load(tmp_path)(other))
    assert values(record)["output_nrmse", ""].value == pytest.approx(own.nrmse)
    assert values(record)["argmax_agreement", ""].n == 30


class Overflowing(nn.Sequential):
    """Its outputs are not finite for rows beyond what it was calibrated on."""

    def forward(self, x):
        return super().forward(x) / (x.amax(1, keepdim=True) < 50)


def test_a_network_that_is_not_finite_is_not_blamed_on_the_calibrator(tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    model = model_of(Overflowing(*perceptron(4, 6, 3)), (4,), 3)
    export(model, rows, Params(repeats=3), tmp_path)
    with pytest.raises(UserError, match=r"the network's own outputs are not finite"):
        export(model, rows, Params(repeats=3), tmp_path, validation=rows + 100)
    with pytest.raises(UserError, match="is not finite: it diverged"):
        export(model, rows + 100, Params(repeats=3), tmp_path)


def test_nothing_to_quantise_is_one_line(tmp_path):
    with pytest.raises(UserError, match="no operation that works on integers"):
        export(model_of(nn.ReLU(), (4,), 4), np.ones((3, 4), np.float32), Params(repeats=3), tmp_path)


def test_calibrated_on_retained_rows():
    """The stage hands over retained rows where the component declares the view."""
    assert onnx_int8.VIEWS == ("retain",)
    assert 1 not in forgetting_class(IMAGES, 1).retain.y


def test_comparison():
    expected = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    same = Comparison.of(expected, expected)
    assert (same.agreement, same.nrmse, same.largest, same.constant) == (1.0, 0.0, 0.0, False)
    mean = Comparison.of(expected, np.full_like(expected, expected.mean()))
    assert mean.nrmse == pytest.approx(1.0)
    assert mean.agreement == 0.5
    constant = np.ones((3, 2))
    assert Comparison.of(constant, constant).constant
    assert Comparison.of(constant, constant).nrmse == 0.0
    assert Comparison.of(constant, constant + 1).nrmse == 1.0
    assert Comparison.of(0 * constant, constant).nrmse == float("inf")
    offset = expected + np.array([100.0, -100.0])
    assert Comparison.of(offset, np.tile(offset.mean(axis=0), (4, 1))).nrmse == pytest.approx(1.0)
    assert np.isnan(Comparison.of(expected, expected * np.nan).nrmse)


@pytest.mark.parametrize("bad", [{"calibrator": "none"}, {"percentile": 50}, {"percentile": 101}, {"tolerance": 0}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        Params(**bad)


def test_the_file_is_standard_onnx_with_integer_operators(exported):
    graph = onnx.load(exported[0] / FILE)
    onnx.checker.check_model(graph)
    assert {node.op_type for node in graph.graph.node} >= {"QLinearConv", "QuantizeLinear", "DequantizeLinear"}
