"""The key `certify:` alone: its defaults, and what is no reference."""

import datetime

import pytest
from pydantic import ValidationError

from neurosieve.plan.certify import Certify


def test_defaults() -> None:
    asked = Certify(variants=["ssd"], before="original")
    assert (asked.at, asked.reference, asked.retention, asked.loss) == ({}, None, None, 0.05)
    assert Certify(variants=["a"], before="b", retention="2027-01-31").retention == datetime.date(2027, 1, 31)


@pytest.mark.parametrize("reference", ["", "a b", "/etc", ".hidden", "x" * 65, "a\n"])
def test_what_cannot_be_part_of_a_folders_name(reference: str) -> None:
    with pytest.raises(ValidationError, match="names nobody"):
        Certify(variants=["a"], before="b", reference=reference)
