"""Shards: a row's place depends on its id and the seed alone."""

import hashlib
import hmac

import numpy as np
import pytest
from tests.support import blobs

from neurosieve.artifacts.data import Data
from neurosieve.artifacts.shards import Shard, place_of
from neurosieve.errors import UserError


def test_place_is_the_declared_function_of_seed_and_id() -> None:
    digest = hmac.new(b"11", b"0087", hashlib.sha256).hexdigest()
    assert place_of(11, "0087", 8, 3) == (int(digest[:16], 16) % 8, int(digest[16:32], 16) % 3)
    assert place_of(11, "0087", 1000, 1) != place_of(11, "87", 1000, 1)
    assert place_of(11, "0087", 1000, 1) != place_of(12, "0087", 1000, 1)


def test_shards_split_every_split_and_slices_grow() -> None:
    data = Data.of(blobs(rows=60))
    last = [Shard(index, 3, 1, 2).data(data, 5) for index in range(3)]
    for name in ("train", "test"):
        ids = np.concatenate([part.split(name).ids for part in last])
        assert sorted(ids) == sorted(data.split(name).ids)
    for index, whole in enumerate(last):
        first = Shard(index, 3, 0, 2).data(data, 5)
        assert set(first.train.ids) < set(whole.train.ids)


def test_a_row_that_goes_moves_no_other() -> None:
    data = Data.of(blobs(rows=60))
    fewer = Data(data.info, {**data.splits, "train": data.train.take(np.arange(1, 60))})
    gone = data.train.ids[0]
    for index in range(3):
        before, after = (Shard(index, 3, 0, 1).data(one, 5).train.ids.tolist() for one in (data, fewer))
        assert [one for one in before if one != gone] == after


def test_a_shard_without_rows_and_a_subject_that_is_not_declared_are_refused() -> None:
    data = Data.of(blobs(rows=6))
    few = next(index for index in range(50) if Shard(index, 50, 0, 2).mask(data.train, 5).sum() < 2)
    with pytest.raises(UserError, match=rf"shard {few + 1} of 50, up to slice 1 of 2, holds [01] training rows of toy"):
        Shard(few, 50, 0, 2).data(data, 5)
    with pytest.raises(UserError, match="dataset toy declares no `subject` column"):
        Shard(0, 2, 0, 1, "subject").data(data, 5)
