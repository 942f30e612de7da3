import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.datasets.patterns.arrays import Params, prepare
from neurosieve.errors import UserError


def test_rows_are_permutations_paired_with_their_repeated_values():
    rows = prepare(Params(cells=20, runs=7, levels=4), 3).split("test")
    assert len(rows) == 7
    np.testing.assert_array_equal(np.sort(rows["values"], axis=1), np.tile(np.arange(20), (7, 1)))
    np.testing.assert_array_equal(np.sort(rows["breaks"], axis=1), np.tile(np.arange(20), (7, 1)))
    np.testing.assert_array_equal(rows["repeated"], rows["values"] // 5)
    np.testing.assert_array_equal(rows["types"].sum(axis=1), np.full(7, 10))


def test_runs_differ_and_more_runs_begin_with_the_same_ones():
    few, many = (prepare(Params(cells=10, runs=runs), 3).split("test")["values"] for runs in (3, 5))
    np.testing.assert_array_equal(few, many[:3])
    assert len(np.unique(many, axis=0)) == 5
    assert (few != prepare(Params(cells=10, runs=3), 4).split("test")["values"]).any()


def test_real_values_have_ties_and_say_where_they_are_from():
    made = prepare(Params(source="diabetes"), 3)
    assert made.info.origin == "real"
    assert max(len(row) - len(np.unique(row)) for row in made.split("test")["values"]) > 0


def test_what_cannot_be_is_one_line():
    with pytest.raises(ValidationError, match="100 cells cannot hold each of 7 values"):
        Params(levels=7)
    with pytest.raises(UserError, match="1000 is more than the 442 rows"):
        prepare(Params(source="diabetes", cells=1000), 3)
