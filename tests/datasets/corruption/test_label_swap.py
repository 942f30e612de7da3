import numpy as np
from tests.support import blobs, golden

from neurosieve.datasets.corruption.label_swap import Params, prepare, swapped


def test_as_the_authors_code():
    case = golden("corrective-unlearning", "relabelling")
    np.testing.assert_array_equal(swapped(np.asarray(case["in.y"]), case["in.swap_draw"]), case["out.swap_labels"])


def test_labels_are_permuted():
    plain = blobs(60, 3)
    made = prepare(Params(rows=20), plain, 2).split("train")
    np.testing.assert_array_equal(np.bincount(made.y), np.bincount(plain.split("train").y))
    assert made["manipulated"].sum() == 20
    assert (made.y == made["true_label"])[~made["manipulated"]].all()
