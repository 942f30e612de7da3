import numpy as np
import pytest

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model, build_model
from neurosieve.errors import UserError
from neurosieve.interventions.adaptation.quantise_couplings import Params, intervene, rounded
from neurosieve.models.associative.hebbian import supervised


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_entries_lie_on_the_levels_and_at_most_half_a_step_off(bits):
    couplings = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    found = rounded(couplings, bits)
    step = np.abs(couplings).max(axis=0) / (2 ** (bits - 1) - 1)
    np.testing.assert_allclose(found / step, np.round(found / step), atol=1e-4)
    assert (np.abs(found - couplings) <= step / 2 + 1e-6).all()
    assert max(len(np.unique(column)) for column in found.T) <= 2**bits - 1


def test_one_bit_keeps_signs_and_nothing_stays_nothing():
    couplings = np.array([[1.0, 0], [-3, 0], [2, 0]], np.float32)
    np.testing.assert_array_equal(rounded(couplings, 1), [[2, 0], [-2, 0], [2, 0]])
    np.testing.assert_array_equal(rounded(couplings, 4)[:, 1], 0)


def test_a_memory_is_changed_in_its_couplings_alone():
    model = build_model("associative.factor", {}, {"input_shape": [20]})
    means = np.random.default_rng(1).normal(size=(20, 3))
    model = model.with_(system=supervised(model.system, means, np.arange(3), centre=True))
    made = intervene(model, Params(bits=3), Log()).system
    np.testing.assert_array_equal(made["E"], rounded(model.system["E"], 3))
    np.testing.assert_array_equal(made["centre"], model.system["centre"])
    with pytest.raises(UserError, match=r"associative\.factor"):
        intervene(Model(object(), "toy", {}, {}), Params(), Log())
