"""Ensembles: what members say together, by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tests.support import model_of

from neurosieve.errors import UserError
from neurosieve.export import onnx
from neurosieve.models.sharded.ensemble import FLOOR, Ensemble, Params, build

SCHEMA = {"input_shape": [1, 11, 11], "classes": 3}
SAID = torch.tensor([[[2.0, 1.0, 0.0]], [[0.0, 3.0, 1.0]], [[1.0, 0.0, 0.5]]])


class Fixed(torch.nn.Module):
    """Says the same of every row."""

    def __init__(self, output: torch.Tensor) -> None:
        super().__init__()
        self.output = torch.nn.Parameter(output)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output.expand(len(x), -1)


def together(combine: str, classes: int | None = 3) -> np.ndarray:
    return Ensemble([Fixed(one) for one in SAID], combine, classes)(torch.zeros(2, 5)).detach().numpy()


def test_mean_of_probabilities() -> None:
    odds = np.exp(SAID[:, 0].numpy())
    expected = (odds / odds.sum(1, keepdims=True)).mean(0)
    said = np.exp(together("mean"))
    np.testing.assert_allclose(said, [expected, expected], rtol=1e-6)
    np.testing.assert_allclose(said.sum(1), 1, rtol=1e-6)


def test_votes() -> None:
    np.testing.assert_allclose(np.exp(together("vote")), [[2 / 3, 1 / 3, FLOOR]] * 2, rtol=1e-6)


def test_regression_takes_the_mean_of_the_outputs() -> None:
    np.testing.assert_allclose(together("mean", None), [SAID.mean(0)[0].numpy()] * 2, rtol=1e-6)


def test_members_are_drawn_apart() -> None:
    one, two = build(Params(member="vision.resnet9", params={"width": 1}, count=2), SCHEMA).members
    assert not torch.equal(next(one.parameters()), next(two.parameters()))


@pytest.mark.parametrize("combine", ["mean", "vote"])
def test_exports_as_one_graph(combine: str, tmp_path) -> None:
    torch.manual_seed(0)
    members = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(121, 3)) for _ in range(3)]
    system = Ensemble(members, combine, 3).eval()
    x = np.random.default_rng(0).normal(size=(40, 1, 11, 11)).astype(np.float32)
    record = onnx.export(model_of(system, (1, 11, 11), 3), x, onnx.Params(repeats=3), tmp_path)
    assert record.files == ("model.onnx",)
    np.testing.assert_allclose(onnx.load(tmp_path)(x), system(torch.from_numpy(x)).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("params", "schema", "message"),
    [
        ({"member": "agents.sorting", "count": 2}, SCHEMA, "agents.sorting is no torch module"),
        (
            {"member": "vision.resnet9", "count": 2, "combine": "vote"},
            {**SCHEMA, "classes": None},
            "vote needs classes",
        ),
    ],
)
def test_what_cannot_answer_together_is_refused(params: dict[str, Any], schema: dict[str, Any], message: str) -> None:
    with pytest.raises((UserError, ValidationError), match=message):
        build(Params.model_validate(params), schema)
