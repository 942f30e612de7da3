import numpy as np
from tests.support import golden

from neurosieve.kernels.trigger import stamp


def test_nine_pixels_of_every_channel():
    images = np.zeros((2, 3, 7, 6), np.float32)
    marked = stamp(images, 3, 2.5)
    assert ((marked != images).sum(axis=(2, 3)) == 9).all()
    assert (marked[:, :, -3:, -3:] == 2.5).all()
    assert not images.any()


def test_as_the_authors_code():
    case = golden("corrective-unlearning", "poison-patch")
    x, rows = case["in.x"], case["in.poison_rows"]
    value = x.max()
    np.testing.assert_array_equal(case["out.max_value"], value)
    train = x.copy()
    train[rows] = stamp(x[rows], 3, value)
    np.testing.assert_array_equal(train, case["out.train_x"])
    np.testing.assert_array_equal(stamp(x, 3, value), case["out.triggered_x"])
