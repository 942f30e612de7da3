"""State carried through ONNX Runtime over whole sequences, in single precision and with 8-bit weights."""

import json

import numpy as np
import onnx
import pytest

from neurosieve.artifacts.model import build_model
from neurosieve.errors import UserError
from neurosieve.export import onnx_step, onnx_step_int8
from neurosieve.models.arrays import Arrays

RNG = np.random.default_rng(0)
COUNTS = RNG.poisson(0.5, (6, 80, 5))


def filtering():
    model = build_model("neural.hmm_glm", {}, {"input_shape": [80, 5]})
    stay = np.full((3, 3), 0.02) + 0.94 * np.eye(3)
    return model.with_(system=model.system.changed(weight=RNG.normal(size=(3, 5, 5)), transition=stay))


class Leaky(Arrays):
    """y = h after h <- decay h + x, one number per row: the simplest system with a state."""

    def step_module(self):
        import torch

        class Step(torch.nn.Module):
            def __init__(self, decay):
                super().__init__()
                self.register_buffer("decay", torch.tensor(decay, dtype=torch.float32))

            def forward(self, x, h):
                h = self.decay * h + x
                return h, h

        return Step(self["decay"])

    def step_state(self):
        return {"level": np.array([1.0])}

    def step_inputs(self, example):
        return np.moveaxis(example, 1, 0)

    def step_outputs(self, example):
        level, said = np.ones((len(example), 1)), []
        for x in self.step_inputs(example):
            level = self["decay"] * level + x
            said.append(level)
        return np.stack(said)


def values(record):
    return {measure.metric: measure.value for measure in record.measures}


def test_a_whole_sequence_agrees_and_the_file_tells_its_state(tmp_path):
    model = filtering()
    record = onnx_step.export(model, COUNTS, onnx_step.Params(), tmp_path)
    assert record.target == "onnx-step"
    assert values(record)["max_absolute_difference"] < 1e-4
    assert values(record)["argmax_agreement"] > 0.98  # all states are alike in the first bin
    proto = onnx.load(tmp_path / "model.onnx")
    assert [one.name for one in proto.graph.input] == ["x", "state.states", "state.counts"]
    assert [one.name for one in proto.graph.output] == ["y", "state.states.next", "state.counts.next"]
    begins = json.loads({one.key: one.value for one in proto.metadata_props}["state"])
    assert begins["states"] == pytest.approx([1 / 3] * 3)
    said = onnx_step.load(tmp_path)(COUNTS[:2])
    np.testing.assert_allclose(said, model.system.filtered(COUNTS[:2].astype(float)), atol=1e-4)


def test_eight_bit_weights_are_smaller_integers_and_still_filter(tmp_path):
    model = filtering()
    whole, small = tmp_path / "whole", tmp_path / "small"
    whole.mkdir()
    small.mkdir()
    onnx_step.export(model, COUNTS, onnx_step.Params(), whole)
    record = onnx_step_int8.export(model, COUNTS, onnx_step_int8.Params(), small)
    assert record.target == "onnx-step-int8"
    assert 1e-6 < values(record)["max_absolute_difference"] < 0.3
    assert values(record)["argmax_agreement"] > 0.95
    kinds = {tensor.data_type for tensor in onnx.load(small / "model.onnx").graph.initializer if len(tensor.dims) > 1}
    assert kinds == {onnx.TensorProto.INT8}
    assert np.isfinite(onnx_step_int8.load(small)(COUNTS)).all()


def test_rounding_is_half_a_step_at_most_and_keeps_zeros():
    weight = RNG.normal(size=(4, 7))
    weight[2] = 0
    weight[:, 3] = 0
    whole, scale = onnx_step_int8.rounded(weight)
    assert (np.abs(whole * scale[:, None] - weight) <= scale[:, None] / 2 + 1e-6).all()
    assert not whole[2].any()
    assert not whole[:, 3].any()


def test_another_system_with_a_step_is_written_by_the_same_code(tmp_path):
    model = filtering().with_(system=Leaky(decay=np.array([0.5])))
    example = RNG.normal(size=(3, 20, 1)).astype(np.float32)
    onnx_step.export(model, example, onnx_step.Params(), tmp_path)
    said = onnx_step.load(tmp_path)(example)
    np.testing.assert_allclose(said.swapaxes(0, 1), model.system.step_outputs(example), atol=1e-5)


def test_a_file_that_is_not_the_same_function_is_refused(tmp_path):
    class Wrong(Leaky):
        def step_outputs(self, example):
            return super().step_outputs(example) + 1e-3

    model = filtering().with_(system=Wrong(decay=np.array([0.5])))
    with pytest.raises(UserError, match=r"outputs differ from the system's by 0.001"):
        onnx_step.export(model, np.ones((2, 5, 1)), onnx_step.Params(), tmp_path)
    with pytest.raises(UserError, match=r"has no step_module\(\)"):
        onnx_step.export(filtering().with_(system=Arrays(a=1)), COUNTS, onnx_step.Params(), tmp_path)
