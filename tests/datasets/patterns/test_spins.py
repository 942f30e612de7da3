import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.datasets.patterns.spins import Params, prepare


def test_means_hold_the_sum_of_the_examples_and_hide_the_archetype():
    made = prepare(Params(spins=500, archetypes=8, quality=0.4, examples=30), 3)
    rows = made.split("train")
    assert rows.x.shape == (8, 500)
    assert made.info.hidden == {"archetype"}
    assert (rows["count"] == 30).all()
    assert (rows.x % 2 == 0).all()  # a sum of 30 signs
    assert (rows.x * rows["archetype"]).mean() / 30 == pytest.approx(0.4, abs=0.02)
    np.testing.assert_array_equal(made.split("test").x, rows["archetype"])


def test_examples_are_rows_with_the_number_of_their_archetype():
    made = prepare(Params(spins=400, archetypes=3, quality=0.5, examples=20, form="examples", test=2), 3)
    rows = made.split("train")
    assert rows.x.shape == (60, 400)
    assert rows.y.tolist() == [0] * 20 + [1] * 20 + [2] * 20
    assert (rows.x * rows["archetype"]).mean() == pytest.approx(0.5, abs=0.03)
    assert made.split("test").y.tolist() == [0, 0, 1, 1, 2, 2]
    for label in range(3):
        assert len(np.unique(rows["archetype"][rows.y == label], axis=0)) == 1


def test_one_exact_example_is_its_archetype_in_either_form():
    forms = [prepare(Params(spins=30, archetypes=4, form=form), 5).split("train") for form in ("means", "examples")]
    np.testing.assert_array_equal(forms[0].x, forms[1].x)
    np.testing.assert_array_equal(forms[0].x, forms[0]["archetype"])


@pytest.mark.parametrize("wrong", [{"quality": 0}, {"quality": 1.2}, {"examples": 0}, {"archetypes": 0}])
def test_impossible_data_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Params(**wrong)
