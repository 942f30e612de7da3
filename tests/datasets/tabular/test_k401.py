import numpy as np
import pytest
from tests.support import golden

from neurosieve.datasets.tabular.k401 import COVARIATES, Params, prepare
from neurosieve.datasets.tabular.observations import ONE_SIDED


@pytest.fixture(scope="module")
def known():
    return golden("selective-iv", "baselines-and-401k")


def test_counts_and_moments_are_the_golden_ones(known):
    rows = prepare(Params()).split("train")
    assert len(rows) == known["rows"] == 9275
    z, a, y = rows["z"], rows["a"], rows["y"]
    table = [[np.sum((z == i) & (a == j)) for j in (0, 1)] for i in (0, 1)]
    np.testing.assert_array_equal(table, known["crosstab"])
    np.testing.assert_array_equal(table, [[5638, 0], [1075, 2562]])
    assert y[a == 1].mean() - y[a == 0].mean() == pytest.approx(known["raw"][0], rel=1e-6)
    assert y[z == 1].mean() - y[z == 0].mean() == pytest.approx(known["raw"][1], rel=1e-6)
    columns = np.column_stack([y, z, a, rows["x"]])
    np.testing.assert_allclose(columns.mean(axis=0), known["column_means"], rtol=1e-6)
    np.testing.assert_allclose(columns.std(axis=0), known["column_sd"], rtol=1e-6)


def test_covariates_stand_alone_too_and_the_design_is_said():
    made = prepare(Params(families=200))
    rows = made.split("train")
    np.testing.assert_array_equal(np.column_stack([rows[name] for name in COVARIATES]), rows["x"])
    assert rows.ids[3] == "family00003"
    assert made.info.notes == ONE_SIDED
    assert made.info.origin == "real"
