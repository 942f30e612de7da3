import gzip

import numpy as np
import pytest
from pydantic_core import PydanticCustomError
from tests.datasets.images.idx import idx_bytes, write_idx

from neurosieve.datasets.images.files import drawn_rows, located, read_idx, standardised_bytes
from neurosieve.datasets.transforms import standardise
from neurosieve.errors import UserError


@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_idx_files_are_read_plain_and_compressed(tmp_path, name):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(read_idx(write_idx(tmp_path / name, array)), array)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no IDX file of bytes .it starts with nothing"),
        (b"<html>", "it starts with 3c 68 74 6d"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "no IDX file of bytes"),
        (idx_bytes(np.zeros((2, 3), np.uint8))[:-1], "header tells 2 x 3 bytes, there are 5"),
        (idx_bytes(np.zeros((2, 3), np.uint8)) + b"\0", "there are 7"),
        (gzip.compress(idx_bytes(np.zeros(9, np.uint8)), mtime=0)[:-9], "cannot be read"),
    ],
)
def test_damaged_or_other_files_are_refused(tmp_path, content, words):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_idx(path)


def test_a_missing_file_is_refused_by_read_idx(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_idx(tmp_path / "none")


def test_a_file_is_looked_for_here_and_in_the_folders_above(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "data" / "file").touch()
    for folder in (tmp_path, tmp_path / "deep" / "er"):
        monkeypatch.chdir(folder)
        assert located("data", "file", "help") == "data/file"
    assert located(str(tmp_path / "data"), "file", "help") == f"{tmp_path}/data/file"
    with pytest.raises(PydanticCustomError, match="no file data/other; ask for it"):
        located("data", "other", "ask for it")


def test_bytes_are_standardised_like_floats_in_every_channel():
    draw = np.random.default_rng(0)
    train, test = (draw.integers(0, top, (n, 2, 3, 3), np.uint8) for n, top in ((40, 200), (9, 256)))
    train[:, 1] = 7  # a constant channel must not divide by 0
    expected = standardise(train.astype(np.float32), test.astype(np.float32))
    for got, want in zip(standardised_bytes(train, test), expected, strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, atol=1e-5)


def labels(per_class=10, classes=3):
    draw = np.random.default_rng(1)
    return {name: draw.permutation(np.repeat(np.arange(classes), per_class)) for name in ("train", "test")}


def test_drawn_rows_are_disjoint_equal_per_class_and_fill_up():
    files = labels()
    rows = drawn_rows(files, {"train": None, "validation": 3, "test": 4}, np.random.default_rng(0), "x")
    assert list(rows) == ["train", "validation", "test"]
    assert np.bincount(files["train"][rows["train"]]).tolist() == [7] * 3
    assert np.bincount(files["train"][rows["validation"]]).tolist() == [3] * 3
    assert np.bincount(files["test"][rows["test"]]).tolist() == [4] * 3
    assert not set(rows["train"]) & set(rows["validation"])
    assert list(drawn_rows(files, {"train": 2, "validation": 0, "test": None}, np.random.default_rng(0), "x")) == [
        "train",
        "test",
    ]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (
            {"train": 9, "validation": 2, "test": 1},
            "train 9 . validation 2 rows per class wanted, the train file has 10",
        ),
        ({"train": None, "validation": 10, "test": 1}, "train 0 . validation 10"),
        ({"train": 1, "validation": 0, "test": 11}, "test 11 rows per class wanted, the test file has 10"),
    ],
)
def test_too_many_rows_are_refused(counts, words):
    with pytest.raises(UserError, match=words):
        drawn_rows(labels(), counts, np.random.default_rng(0), "x")
