"""Which rows of a dataset are shown as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.support import dataset_of

from neurosieve.artifacts.dataset import write_dataset
from neurosieve.datasets.neural.hmm_glm import Params, prepare
from neurosieve.views.site.data import _samples


def test_images_with_classes_are_pictures_and_sequences_of_counts_are_not(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).random((6, 8, 8)).astype(np.float32)
    (tmp_path / "images").mkdir()
    write_dataset(tmp_path / "images", dataset_of({"train": (pixels, np.array([0, 0, 1, 1, 2, 2]))}))
    made = _samples(tmp_path / "images")
    assert made is not None
    assert len(made.images) == 6
    assert made.labels == ()  # its classes have no names
    (tmp_path / "counts").mkdir()
    write_dataset(tmp_path / "counts", prepare(Params(bins=20, train=2, test=1), 0))
    assert _samples(tmp_path / "counts") is None
