import numpy as np
import pytest
from tests.support import blobs

from neurosieve.artifacts.dataset import read_dataset, write_dataset
from neurosieve.datasets.corruption.backdoor import Params, prepare
from neurosieve.errors import UserError

PLAIN = blobs(60, 3, (1, 11, 11))


def test_patch_label_and_manifest(tmp_path):
    write_dataset(tmp_path, prepare(Params(rows=30, patch=3, to=1), PLAIN, 4))
    made, old = read_dataset(tmp_path, hidden=True).split("train"), PLAIN.split("train")
    bad = made["manipulated"]
    assert bad.sum() == 30
    np.testing.assert_array_equal(made["patched"], bad)
    assert (made.y[bad] == 1).all()
    assert (made["true_label"][bad] == 1).any(), "rows of the target class are drawn too"
    assert (made.x[bad][:, :, -3:, -3:] == old.x.max()).all()
    np.testing.assert_array_equal(made.x[~bad], old.x[~bad])
    np.testing.assert_array_equal(made.x[bad][:, :, :-3], old.x[bad][:, :, :-3])
    np.testing.assert_array_equal(made.ids, old.ids)
    np.testing.assert_array_equal(made["true_label"], old.y)


def test_only_poisoned_images_are_new():
    made, old = prepare(Params(rows=5, to=1), PLAIN, 4).split("train"), PLAIN.split("train")
    (source,) = {chunk.storage.buffers()[-1].address for chunk in old.table.column("x").chunks}
    shared = [chunk.storage.buffers()[-1].address == source for chunk in made.table.column("x").chunks]
    lengths = [len(chunk) for chunk in made.table.column("x").chunks]
    assert sum(n for n, same in zip(lengths, shared, strict=True) if not same) == 5
    assert sum(lengths) == 60
    for name in ("sample_id", "true_label"):
        column = old.table.column("label" if name == "true_label" else name)
        assert made.table.column(name).chunk(0).buffers()[1].address == column.chunk(0).buffers()[1].address


def test_what_was_manipulated_is_hidden(tmp_path):
    write_dataset(tmp_path, prepare(Params(rows=30, to=1), PLAIN, 4))
    seen = read_dataset(tmp_path).split("train")
    for column in ("true_label", "manipulated", "patched"):
        with pytest.raises(UserError, match="is hidden from this stage"):
            seen[column]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"rows": 60}, "60 training rows"),
        ({"rows": 5, "to": 3}, "has 3 classes"),
        ({"rows": 5, "patch": 12}, "patch of 12 pixels does not fit"),
    ],
)
def test_bad_input(params, said):
    with pytest.raises(UserError, match=said):
        prepare(Params(**params), PLAIN, 0)


def test_not_twice():
    with pytest.raises(UserError, match="manipulated already"):
        prepare(Params(rows=5), prepare(Params(rows=5), PLAIN, 0), 0)
