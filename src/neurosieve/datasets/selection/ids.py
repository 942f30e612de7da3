"""Rows to forget that a deletion request names: `forget: {ids_file: data/requests/R-2026-01.csv}`.

The plan reads the file and hands on tags (`neurosieve.artifacts.tags`), so that no id stands in a recipe; here the tags
of the dataset's own ids are compared with them, under the same key. Every row of every split that belongs to an id is
chosen: a person's validation rows are not to be retained either.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from neurosieve.artifacts.data import Selection
from neurosieve.artifacts.dataset import Dataset
from neurosieve.artifacts.requested import names_in, rows_named, unusable
from neurosieve.artifacts.tags import tag
from neurosieve.errors import UserError

Tag = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Params(BaseModel):
    """The request, as the plan hands it on."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    tags: tuple[Tag, ...] = Field(min_length=1)
    """Tags of the ids, sorted."""
    match: Literal["sample_id", "subject"] = "sample_id"
    """What the ids are: rows, or the people whose rows they are."""


def prepare(params: Params, of: Dataset, key: bytes) -> Selection:
    """The rows of the ids with these tags.

    Raises UserError when an id is not in the data, and when none of the rows, or every one, is a training row.
    """
    names = {tag(key, name): name for name in names_in(of, params.match)}
    ids = [names[one] for one in params.tags if one in names]
    lost, total = len(params.tags) - len(ids), len(params.tags)
    if lost:
        raise UserError(
            f"forget: {lost} of {total} ids not in the data of {of.info.name}; `neurosieve affected --ids` with the"
            " request's file names them"
        )
    rows = rows_named(of, params.match, ids)
    for problem in unusable(rows, of, total):
        raise UserError(f"forget: {problem}")
    what = "sample ids" if params.match == "sample_id" else "subjects"
    return Selection(rows, f"{total} requested {what}")
