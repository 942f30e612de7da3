import numpy as np
import pytest
from tests.support import blobs, dataset_of, golden

from neurosieve.datasets.corruption.interclass import Params, prepare
from neurosieve.errors import UserError

PLAIN = blobs(60, 3)


def test_half_each_way_and_class_counts_unchanged():
    made, old = prepare(Params(rows=8, classes=(0, 2)), PLAIN, 1).split("train"), PLAIN.split("train")
    differ = made.y != old.y
    assert differ.sum() == 8
    assert ((old.y == 0) & (made.y == 2)).sum() == ((old.y == 2) & (made.y == 0)).sum() == 4
    np.testing.assert_array_equal(np.bincount(made.y), np.bincount(old.y))
    np.testing.assert_array_equal(differ, made["manipulated"])
    np.testing.assert_array_equal(made["true_label"], old.y)
    assert not made["patched"].any()
    np.testing.assert_array_equal(made.ids, old.ids)


def test_images_are_not_copied():
    made = prepare(Params(rows=8, classes=(0, 2)), PLAIN, 1)
    assert np.shares_memory(made.split("train").x, PLAIN.split("train").x)


def test_official_takes_the_first_rows_of_each_class():
    case = golden("corrective-unlearning", "relabelling")
    labels = np.asarray(case["in.y"])
    source = dataset_of({"train": (np.zeros((len(labels), 1, 4, 4), np.float32), labels)})
    made = prepare(Params(rows=10, classes=(3, 5), preset="official"), source, 0).split("train")
    np.testing.assert_array_equal(made.y, case["out.confusion_labels"])
    np.testing.assert_array_equal(np.flatnonzero(made["manipulated"]), np.sort(case["out.confusion_rows"]))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"rows": 7, "classes": (0, 1)}, "rows 7 is odd"),
        ({"rows": 4, "classes": (0, 9)}, "no training row of class 9"),
        ({"rows": 4, "classes": (1, 1)}, "the two classes are the same"),
        ({"rows": 400, "classes": (0, 1)}, "200 wanted"),
    ],
)
def test_bad_input(params, said):
    with pytest.raises(UserError, match=said):
        prepare(Params(**params), PLAIN, 0)
