import numpy as np
import pytest
from pydantic import ValidationError
from tests.datasets.images.idx import write_idx

from neurosieve.artifacts.dataset import read_dataset, write_dataset
from neurosieve.artifacts.raw import raw_fields
from neurosieve.datasets.images import fashion
from neurosieve.datasets.images.fashion import CLASSES, FILES, Params, prepare
from neurosieve.errors import UserError
from neurosieve.plan.components import ParamsError, checked_params, files_of, find
from neurosieve.plan.fingerprint import Source

PER_CLASS = {"train": 8, "test": 3}


@pytest.fixture
def folder(tmp_path):
    """Four tiny files; every image holds one grey value of its own."""
    for name, per_class in PER_CLASS.items():
        labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), per_class))
        images = np.arange(len(labels), dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
        write_idx(tmp_path / FILES[f"{name}_images"], images)
        write_idx(tmp_path / FILES[f"{name}_labels"], labels)
    return tmp_path


@pytest.fixture
def no_package(monkeypatch, tmp_path):
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "absent")


def test_every_row_keeps_its_pixels_label_and_split(folder):
    made = prepare(Params(folder=str(folder), scaling="unit", validation=2, size=14), 0)
    assert made.info.counts == {"train": 60, "validation": 20, "test": 30}
    assert (made.info.input_shape, made.info.class_names, made.info.origin) == ((1, 14, 14), CLASSES, "real")
    labels = {name: np.random.default_rng(0).permutation(np.repeat(np.arange(10), n)) for name, n in PER_CLASS.items()}
    for split in made.splits.values():
        files, rows = zip(*(name.split("-") for name in split.ids), strict=True)
        assert set(files) == {"test" if split.name == "test" else "train"}
        numbers = np.array(rows, int)
        np.testing.assert_allclose(split.x[:, 0, 3, 5] * 255, numbers, atol=1e-4)
        np.testing.assert_array_equal(split.y, labels[files[0]][numbers])
    assert len(set(made.split("train").ids) | set(made.split("validation").ids)) == 80


def test_standardised_by_training_rows_and_drawn_by_seed(folder):
    params = Params(folder=str(folder), train=4, test=1)
    one, again, other = prepare(params, 0), prepare(params, 0), prepare(params, 1)
    x = one.split("train").x
    assert (x.shape, x.dtype) == ((40, 1, 28, 28), np.float32)
    assert abs(float(x.mean())) < 1e-5
    assert abs(float(x.std()) - 1) < 1e-4
    assert one.split("train").table.equals(again.split("train").table)
    assert set(one.split("train").ids) != set(other.split("train").ids)


def test_survives_the_disk(folder, tmp_path):
    made = prepare(Params(folder=str(folder)), 0)
    (tmp_path / "out").mkdir()
    write_dataset(tmp_path / "out", made)
    assert read_dataset(tmp_path / "out").info == made.info


def test_files_enter_a_key_by_content_and_the_folder_does_not(folder, tmp_path):
    component = find(Source(), "datasets", "images.fashion")
    checked = checked_params(component, {"folder": str(folder)})
    assert raw_fields(Params) == list(FILES)
    assert "folder" not in checked
    files = files_of(component, checked, tmp_path / "elsewhere")
    assert {name: path.name for name, path in files.items()} == FILES
    assert component.draws


def test_a_single_file_may_be_named(folder, tmp_path):
    labels = write_idx(tmp_path / "mine.idx", np.repeat(np.arange(10), 3))
    params = Params(folder=str(folder), test_labels=str(labels))
    assert params.test_labels == str(labels)
    assert prepare(params, 0).info.counts["test"] == 30


@pytest.mark.usefixtures("no_package")
def test_a_missing_file_names_both_ways_to_get_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError) as caught:
        checked_params(find(Source(), "datasets", "images.fashion"), {})
    message = str(caught.value)
    assert "no file data/fashion-mnist/train-images-idx3-ubyte.gz" in message
    assert "Debian's package dataset-fashion-mnist" in message
    assert "make data" in message
    assert caught.value.field == ("train_images",)


def test_the_package_comes_first_then_what_was_fetched(folder, tmp_path, monkeypatch):
    fetched = tmp_path / "data" / "fashion-mnist"
    fetched.mkdir(parents=True)
    for name in FILES.values():
        (fetched / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fashion, "DEBIAN", folder)
    assert Params().train_labels == str(folder / FILES["train_labels"])
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path / "absent")
    assert Params().train_labels == f"data/fashion-mnist/{FILES['train_labels']}"


@pytest.mark.parametrize(
    ("field", "array", "words"),
    [
        ("train_images", np.zeros((80, 14, 14)), r"wanted images of 28 x 28, the file has shape \[80, 14, 14\]"),
        ("train_labels", np.zeros(79), "wanted 80 labels 0 to 9; it belongs to other images"),
        ("test_labels", np.full(30, 10), "wanted 30 labels 0 to 9"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(folder, field, array, words):
    write_idx(folder / FILES[field], array)
    with pytest.raises(UserError, match=words):
        prepare(Params(folder=str(folder)), 0)


def test_too_many_rows_are_refused(folder):
    with pytest.raises(UserError, match=r"images.fashion: train 7 \+ validation 2 rows per class wanted"):
        prepare(Params(folder=str(folder), train=7, validation=2), 0)


@pytest.mark.parametrize("bad", [{"size": 13}, {"train": 0}, {"validation": -1}, {"scaling": "x"}, {"sise": 28}])
def test_bad_parameters_are_refused(folder, bad):
    with pytest.raises(ValidationError):
        Params(folder=str(folder), **bad)
