"""The key `certify:` of a study: what is delivered, what was before, and what the request is called."""

from __future__ import annotations

import datetime
import re

from pydantic import BaseModel, ConfigDict, Field, field_validator

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A reference is part of a folder's name, and of a page that others read."""


class Certify(BaseModel):
    """Which variants a certificate is written of once the study has run, and for which request."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    variants: list[str] = Field(min_length=1)
    """Variants that are delivered, with every export that `targets` asks of them."""
    before: str
    """The variant that learned from the rows."""
    at: dict[str, str] = {}
    """Axis values at which it is; of several requests in one study, the one that is certified."""
    reference: str | None = None
    """What the request is called; the name of its `ids_file` by default, without one the study's."""
    retention: datetime.date | None = None
    """Day on which the tags of the request are to be deleted, certificates with them."""
    loss: float = Field(0.05, ge=0, le=1)
    """What a delivered model may lose on rows that stay and still count as working: a share of accuracy, or, where the
    target is a number, a share by which the error rises."""

    @field_validator("reference")
    @classmethod
    def _short(cls, reference: str | None) -> str | None:
        if reference is not None and not REFERENCE.fullmatch(reference):
            raise ValueError("a reference is up to 64 letters, digits, '.', '_' and '-', and names nobody")
        return reference
