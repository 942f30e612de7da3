"""Rows that a deletion request names, found by tags."""

import numpy as np
import pytest
from pydantic import ValidationError
from tests.owned import owned

from neurosieve.artifacts.tags import tags_of
from neurosieve.datasets.selection.ids import Params, prepare
from neurosieve.errors import UserError

KEY = bytes(range(32))


def chosen(*ids: str, match: str = "sample_id", **columns) -> dict[str, list[int]]:
    made = prepare(Params(tags=tags_of(KEY, ids), match=match), owned(**columns), KEY)
    assert f"{len(ids)} requested" in made.what
    return {name: rows.tolist() for name, rows in made.rows.items()}


def test_ids_are_text() -> None:
    assert chosen("0087", "0012") == {"train": [0, 2]}
    assert chosen("87") == {"train": [1]}


def test_rows_of_every_split_are_chosen() -> None:
    assert chosen("0087", "v1", "t0") == {"train": [0], "validation": [1], "test": [0]}


def test_a_person_owns_many_rows() -> None:
    assert chosen("ann", match="subject") == {"train": [0, 3], "test": [1]}


def test_a_row_belongs_to_all_that_it_was_made_of() -> None:
    sources = [["a", "b"], ["b"], [], ["c", "a"], ["d"], ["e"]]
    assert chosen("a", sources=sources) == {"train": [0, 3]}
    assert chosen("b", "d", sources=sources) == {"train": [0, 1, 4]}


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["0087", "1", "2", "0012", "3"], "forget: 3 of 5 ids not in the data of owned; `neurosieve affected --ids`"),
        (["v0", "t1"], "2 of 2 ids are rows of split 'test' and 'validation', not training rows"),
        (["0087", "87", "0012", "12", "0003", "a,b"], "it names all 6 training rows of owned; none would be retained"),
    ],
)
def test_requests_that_cannot_be_met(ids: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        chosen(*ids)
    assert not any(f" {one}" in str(caught.value) for one in ids if len(one) == 4), "no id is in a log"


def test_subjects_of_a_dataset_without_any() -> None:
    with pytest.raises(UserError, match="dataset owned declares no `subject` column; list sample_id"):
        chosen("ann", match="subject", subject=None)


def test_another_key_finds_nothing() -> None:
    with pytest.raises(UserError, match="1 of 1 ids not in the data"):
        prepare(Params(tags=tags_of(KEY, ["0087"])), owned(), bytes(32))


@pytest.mark.parametrize("tags", [[], ["0087"], ["A" * 64]])
def test_what_is_no_tag_is_refused(tags: list[str]) -> None:
    with pytest.raises(ValidationError):
        Params(tags=tags)


def test_selection_of_row_numbers_is_sorted() -> None:
    rows = prepare(Params(tags=tags_of(KEY, ["a,b", "0087", "12"])), owned(), KEY).rows["train"]
    assert np.array_equal(rows, [0, 3, 5])
