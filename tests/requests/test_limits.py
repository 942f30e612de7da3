"""The six sentences: on every certificate, with what is known filled in and what is not said so."""

from __future__ import annotations

import polars as pl
import pytest

from neurosieve.requests.limits import EXACT_FOR, NO_RETRAINED, NO_SHADOWS, sentences

REQUEST = {"retention": "2027-01-31"}
NONE = pl.DataFrame(schema={"metric": pl.String, "value": pl.Float64})


def frame(**values: float) -> pl.DataFrame:
    return pl.DataFrame({"metric": list(values), "value": list(map(float, values.values()))})


def test_six_sentences_and_one_on_the_reference() -> None:
    said = sentences(REQUEST, NONE, None, None, exact=False)
    assert len(said) == 7
    assert said[-1] == NO_RETRAINED
    assert sentences(REQUEST, NONE, None, "retrained", exact=False)[-1] == NO_SHADOWS
    assert len(sentences(REQUEST, frame(evidence_retrained=5), None, "retrained", exact=False)) == 6
    assert sentences(REQUEST, NONE, None, None, exact=True)[-1] == EXACT_FOR


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "how many there are was not counted"),
        ({"evidence_copies": 0, "evidence_near_copies": 0}, "none was found"),
        ({"evidence_copies": 1, "evidence_near_copies": 2}, "1 have an exact copy, 2 have a near one there"),
    ],
)
def test_near_duplicates_are_counted(counts: dict[str, float], words: str) -> None:
    assert words in sentences(REQUEST, frame(**counts) if counts else NONE, None, None, exact=False)[2]


def test_tags_without_a_day_of_deletion() -> None:
    assert "are to be deleted on 2027-01-31" in sentences(REQUEST, NONE, None, None, exact=False)[3]
    assert "have no date of deletion yet" in sentences({"retention": None}, NONE, None, None, exact=False)[3]


def test_what_was_purged_and_what_was_not() -> None:
    kept, purged = (sentences(REQUEST, NONE, purge, None, exact=False) for purge in (None, {"models": "2"}))
    assert "Nothing was deleted here so far." in kept[1]
    assert "The model before is kept in the store." in kept[4]
    assert "listed below" in purged[1]
    assert "kept in the store" not in purged[4]
