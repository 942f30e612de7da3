import numpy as np
import polars as pl
import pytest

from neurosieve.datasets.tabular.observations import ONE_SIDED
from neurosieve.datasets.tabular.table import Params, prepare
from neurosieve.errors import UserError

GOOD = {
    "who": ["a", "b", "c", "d", "e"],
    "offered": [0, 0, 1, 1, 1],
    "took": [0, 1, 0, 1, 1],
    "wealth": [1.5, 2.0, 3.0, 4.0, 5.0],
    "age": [30, 40, 50, 60, 70],
    "male": [True, False, True, False, True],
}
ROLES = {"instrument": "offered", "treatment": "took", "outcome": "wealth", "id": "who"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def made(changes=None, ending="parquet", **params):
    table = pl.DataFrame({**GOOD, **(changes or {})}, strict=False)
    (table.write_parquet if ending == "parquet" else table.write_csv)(f"own.{ending}")
    return prepare(Params(file=f"own.{ending}", **{**ROLES, **params}))


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_columns_are_read_by_name(ending):
    data = made(ending=ending)
    rows = data.split("train")
    np.testing.assert_array_equal(rows["x"], np.column_stack([GOOD["age"], GOOD["male"]]))
    assert rows["z"].tolist() == GOOD["offered"]
    assert rows["a"].tolist() == GOOD["took"]
    assert rows["y"].tolist() == GOOD["wealth"]
    assert rows["age"].tolist() == GOOD["age"]
    assert rows.ids.tolist() == GOOD["who"]
    assert data.info.notes == ""
    assert made({"took": [0, 0, 0, 1, 1]}).info.notes == ONE_SIDED


def test_some_covariates_and_numbered_persons():
    rows = made(covariates=("male",), id=None).split("train")
    assert rows["x"].shape == (5, 1)
    assert rows.ids[0] == "person000000"


@pytest.mark.parametrize(
    ("changes", "params", "said"),
    [
        ({"offered": [0, 2, 1, 1, 1]}, {}, "instrument 'offered' holds 2; it has to be 0 or 1"),
        ({"took": [0, 0.5, 0, 1, 1]}, {}, "treatment 'took' holds 0.5"),
        ({"age": [30, None, 50, 60, 70]}, {}, "missing or infinite values in age"),
        ({"wealth": [1.5, float("inf"), 3, 4, 5]}, {}, "missing or infinite values in wealth"),
        ({"male": ["m", "f", "m", "f", "m"]}, {}, "column 'male' holds String, not numbers"),
        ({"took": [0, 1, 1, 1, 1]}, {}, "no row has offered = 1 and took = 0"),
        ({"offered": [1, 1, 1, 1, 1]}, {}, "no row has offered = 0 and took = 0"),
        ({}, {"outcome": "income"}, "no column 'income'; there are"),
        ({}, {"id": "name"}, "no column 'name'; there are who"),
        ({}, {"covariates": ("age", "took")}, "column 'took' is named for two things"),
        ({"who": ["a", "a", "c", "d", "e"]}, {}, "sample ids occur twice"),
    ],
)
def test_bad_input_is_one_line(changes, params, said):
    with pytest.raises(UserError, match=said) as caught:
        made(changes, **params)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused():
    with pytest.raises(UserError, match=r"give a .parquet or a .csv file"):
        prepare(Params(file="own.xlsx"))
    with open("own.parquet", "w") as file:
        file.write("no parquet")
    with pytest.raises(UserError, match=r"own.parquet cannot be read"):
        prepare(Params(file="own.parquet"))
    pl.DataFrame({"z": [0, 1], "a": [0, 1], "y": [0.0, 1.0]}).write_parquet("bare.parquet")
    with pytest.raises(UserError, match="there is no column of a covariate"):
        prepare(Params(file="bare.parquet"))
