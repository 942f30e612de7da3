import numpy as np
import pytest
from pydantic import ValidationError
from tests.support import blobs

from neurosieve.artifacts.data import Data
from neurosieve.datasets.corruption.interclass import Params as Confusion
from neurosieve.datasets.corruption.interclass import prepare as confuse
from neurosieve.datasets.selection.identified import Params, prepare
from neurosieve.errors import UserError

BAD = confuse(Confusion(rows=20, classes=(0, 1)), blobs(60, 3), 0)


def test_a_share_of_the_manipulated_rows():
    manipulated = np.flatnonzero(BAD.split("train")["manipulated"])
    few, many = (prepare(Params(identified=share), BAD, 3).rows["train"] for share in (0.1, 0.5))
    assert (len(few), len(many)) == (2, 10)
    assert set(few) <= set(many) <= set(manipulated)
    np.testing.assert_array_equal(prepare(Params(identified=1), BAD, 3).rows["train"], manipulated)


def test_what_is_retained_holds_the_manipulated_rows_that_nobody_identified():
    for share, left in ((0.1, 18), (1.0, 0)):
        retain = Data.of(BAD, prepare(Params(identified=share), BAD, 3)).retain
        assert retain["manipulated"].sum() == left
        assert len(retain) == 60 - 20 + left


def test_no_row():
    with pytest.raises(UserError, match="is no row"):
        prepare(Params(identified=0.01), BAD, 0)


def test_a_clean_dataset():
    with pytest.raises(UserError, match="no manipulated rows"):
        prepare(Params(identified=0.5), blobs(60, 3), 0)


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_share_out_of_range(share):
    with pytest.raises(ValidationError):
        Params(identified=share)
