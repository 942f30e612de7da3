import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.artifacts.model import build_model, read_model, write_model
from neurosieve.models.causal.estimator import RIGHT, Estimator, Params


def test_points_are_scenarios_or_triples_until_one_is_chosen():
    assert Estimator(Params()).points == [{}]
    assert Estimator(Params(scenarios=("m1", "m2"))).points == [{"scenario": "m1"}, {"scenario": "m2"}]
    library = Estimator(Params(library=("linear", "spline")))
    assert [point["triple"] for point in library.points][:3] == [
        "linear-linear-linear",
        "linear-linear-spline",
        "linear-spline-linear",
    ]
    assert len(library.points) == 8
    assert library.changed(chosen=np.array([[0, 1, 0]])).points == [{}]


def test_scenarios_are_those_of_the_robustness():
    assert {name: set(right.split()) for name, right in RIGHT.items()} == {
        "all-right": {"f", "m", "beta", "omega", "eta"},
        "m1": {"f", "m"},
        "m2": {"f", "beta", "omega"},
        "m3": {"beta", "omega", "eta"},
        "m3-prime": {"beta", "eta", "m"},
        "all-wrong": set(),
    }


def test_is_stored_and_read_back(tmp_path):
    model = build_model("causal.estimator", {"library": ["linear", "spline"]}, {})
    full = model.system.changed(estimate=np.ones((2, 8)), persons=np.array([[2**63 + 1]], np.uint64))
    write_model(tmp_path, model.with_(system=full))
    again = read_model(tmp_path, lambda key: tmp_path)
    for name, value in full.state_dict().items():
        np.testing.assert_array_equal(again.system[name], value)


@pytest.mark.parametrize(
    "params", [{"scenarios": ["m1"], "library": ["linear"]}, {"library": ["linear", "linear"]}, {"library": ["ols"]}]
)
def test_what_cannot_be_is_refused(params):
    with pytest.raises(ValidationError):
        Params.model_validate(params)
