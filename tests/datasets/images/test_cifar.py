import io
import tarfile

import numpy as np
import pytest
from pydantic import ValidationError

from neurosieve.datasets.images.cifar import Params, prepare
from neurosieve.datasets.selection import where
from neurosieve.errors import UserError
from neurosieve.plan.components import ParamsError, checked_params, find
from neurosieve.plan.fingerprint import Source


def write_archive(path, folder, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def batch(labels, first=0):
    """Rows whose red is their number, green 100, blue 200; the label bytes stand in front."""
    rows = []
    for number, bytes_ in enumerate(labels, start=first):
        rows.append(bytes(bytes_) + bytes([number]) * 1024 + bytes([100]) * 1024 + bytes([200]) * 1024)
    return b"".join(rows)


def names(count, word):
    return "".join(f"{word}{number}\n" for number in range(count)).encode()


def members100(per_class=4):
    train = [(fine // 5, fine) for fine in range(10) for _ in range(per_class)]
    return {
        "train.bin": batch(train),
        "test.bin": batch(train[::2]),
        "fine_label_names.txt": names(10, "fine"),
        "coarse_label_names.txt": names(2, "coarse"),
    }


@pytest.fixture
def folder(tmp_path):
    labels = [(number % 2,) for number in range(8)]
    ten = {f"data_batch_{k + 1}.bin": batch(labels, 8 * k) for k in range(5)}
    ten |= {"test_batch.bin": batch(labels), "batches.meta.txt": names(2, "name") + b"\n", "readme.html": b"x"}
    write_archive(tmp_path / "cifar-10-binary.tar.gz", "cifar-10-batches-bin", ten)
    write_archive(tmp_path / "cifar-100-binary.tar.gz", "cifar-100-binary", members100())
    return tmp_path


def test_cifar10_keeps_pixels_labels_and_batches(folder):
    made = prepare(Params(folder=str(folder), scaling="unit", validation=3), 0)
    assert made.info.counts == {"train": 34, "validation": 6, "test": 8}
    assert (made.info.input_shape, made.info.class_names) == ((3, 32, 32), ("name0", "name1"))
    for split in made.splits.values():
        numbers = np.array([name.split("-")[1] for name in split.ids], int)
        np.testing.assert_allclose(split.x[:, 0, 4, 7] * 255, numbers, atol=1e-4)
        np.testing.assert_allclose(split.x[:, 1:, 31, 0] * 255, [[100, 200]] * len(split), atol=1e-4)
        np.testing.assert_array_equal(split.y, numbers % 2)
        np.testing.assert_array_equal(split["fine"], split.y)


def test_cifar20_trains_on_groups_and_forgets_classes(folder):
    made = prepare(Params(folder=str(folder), set="cifar100", labels="coarse"), 0)
    train = made.split("train")
    assert (made.info.name, made.info.class_names) == ("cifar20", ("coarse0", "coarse1"))
    np.testing.assert_array_equal(train.y, train["fine"] // 5)
    np.testing.assert_array_equal(train["coarse"], train.y)
    found = where.prepare(where.Params(where="fine = 7"), made).rows
    assert {name: len(rows) for name, rows in found.items()} == {"train": 4, "test": 2}
    fine = prepare(Params(folder=str(folder), set="cifar100"), 0)
    np.testing.assert_array_equal(fine.split("train").y, train["fine"])
    assert (fine.info.name, len(fine.info.class_names)) == ("cifar100", 10)


def test_standardised_per_channel_and_drawn_by_seed(folder):
    params = Params(folder=str(folder), set="cifar100", train=3)
    one, again, other = prepare(params, 0), prepare(params, 0), prepare(params, 1)
    x = one.split("train").x
    assert abs(float(x[:, 0].mean())) < 1e-5
    assert abs(float(x[:, 0].std()) - 1) < 1e-5
    assert not x[:, 1:].any()  # constant channels
    assert one.split("train").table.equals(again.split("train").table)
    assert set(one.split("train").ids) != set(other.split("train").ids)


def test_a_missing_archive_names_the_way_to_get_it_and_the_folder_is_in_no_key(folder, tmp_path, monkeypatch):
    component = find(Source(), "datasets", "images.cifar")
    checked = checked_params(component, {"folder": str(folder), "set": "cifar100"})
    assert "folder" not in checked
    assert checked["archive"] == str(folder / "cifar-100-binary.tar.gz")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    with pytest.raises(ParamsError, match=r"no file data/cifar/cifar-10-binary.tar.gz; run `make data DATA=cifar10`"):
        checked_params(component, {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train.bin": None}, "no train.bin in it; it is not the binary version of cifar100"),
        ({"test.bin": b"12345"}, "test.bin hold 5 bytes, no multiple of 3074"),
        ({"train.bin": b""}, "train.bin hold 0 bytes"),
    ],
)
def test_another_archive_is_refused(tmp_path, change, words):
    members = {name: content for name, content in (members100() | change).items() if content is not None}
    write_archive(tmp_path / "cifar-100-binary.tar.gz", "x", members)
    with pytest.raises(UserError, match=words):
        prepare(Params(folder=str(tmp_path), set="cifar100"), 0)


def test_a_damaged_archive_is_refused(folder):
    path = folder / "cifar-10-binary.tar.gz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match=r"cannot be read as tar\.gz"):
        prepare(Params(folder=str(folder)), 0)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"labels": "coarse"}, "cifar10 has no coarse labels"),
        ({"set": "cifar20"}, "cifar100"),
        ({"train": 0}, "greater than"),
    ],
)
def test_bad_parameters_are_refused(folder, bad, words):
    with pytest.raises(ValidationError, match=words):
        Params(folder=str(folder), **bad)
