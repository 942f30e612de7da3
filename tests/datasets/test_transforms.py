import numpy as np
import pytest

from neurosieve.datasets.transforms import (
    block_mean,
    enough_rows,
    fitted_on,
    numbered,
    split_per_class,
    splits_per_class,
    standardise,
    unit,
)


def test_block_mean_by_hand():
    image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
    np.testing.assert_array_equal(block_mean(image, 2)[0, 0], [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_array_equal(block_mean(image, 1), image)
    with pytest.raises(ValueError, match="no multiples of 3"):
        block_mean(image, 3)


def test_unit():
    assert unit(np.array([0, 51, 255])).tolist() == pytest.approx([0, 0.2, 1])


def test_standardise_uses_the_training_rows_per_channel():
    draw = np.random.default_rng(0)
    train, test = draw.normal(3, 2, (50, 2, 4, 4)), draw.normal(5, 2, (20, 2, 4, 4))
    train[:, 1] *= 10
    one, two = standardise(train, test)
    np.testing.assert_allclose(one.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(one.std(axis=(0, 2, 3)), 1, rtol=1e-5)
    expected = (test[:, 1] - train[:, 1].mean()) / train[:, 1].std()
    np.testing.assert_allclose(two[:, 1], expected, rtol=1e-5, atol=1e-6)
    assert one.dtype == two.dtype == np.float32


def test_standardise_leaves_a_constant_channel_at_zero():
    (one,) = standardise(np.full((3, 1, 2, 2), 7.0))
    assert not one.any()


def test_split_per_class_is_balanced_disjoint_and_seeded():
    labels = np.repeat([0, 1, 2], 20)
    parts = split_per_class(labels, (12, 5), np.random.default_rng(0))
    assert [np.bincount(labels[part]).tolist() for part in parts] == [[12] * 3, [5] * 3]
    assert len(np.intersect1d(*parts)) == 0
    again = split_per_class(labels, (12, 5), np.random.default_rng(0))
    np.testing.assert_array_equal(parts[0], again[0])
    assert (np.diff(labels[parts[0]]) < 0).any()
    with pytest.raises(ValueError, match="class 0 has 20 rows, 21 wanted"):
        split_per_class(labels, (21,), np.random.default_rng(0))


def test_splits_are_the_parts_by_name_without_those_of_no_row():
    labels = np.arange(20) % 2
    found = splits_per_class(labels, {"train": 4, "validation": 0, "test": 3}, 5)
    train, test = split_per_class(labels, (4, 3), np.random.default_rng(5))
    assert list(found) == ["train", "test"]
    np.testing.assert_array_equal(found["train"], train)
    np.testing.assert_array_equal(found["test"], test)


def test_more_rows_than_a_class_has_are_told_with_their_sum():
    enough_rows({"train": 4, "test": 3}, 7)
    with pytest.raises(ValueError, match=r"train \+ test = 7 rows per class; there are 6"):
        enough_rows({"train": 4, "test": 3}, 6)


def test_rows_are_numbered_as_in_the_source():
    columns = numbered(np.array([12, 3]), np.ones((2, 1)), np.arange(20) * 10)
    assert columns["sample_id"] == ["0012", "0003"]
    assert columns["label"].tolist() == [120, 30]


def test_splits_that_a_scaling_is_fitted_on():
    assert [fitted_on(one) for one in ("unit", "standardise", "spins")] == [(), ("train",), ("train",)]
