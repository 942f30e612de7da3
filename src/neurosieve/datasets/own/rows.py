"""Rows of a user's own, however they were read, as a dataset: ids, whose they are, inputs, target, splits.

Every loader of this package finds its columns and hands them to `dataset`; what they are called and what is done to
them is declared in parameters that all share (`Own`). Inputs become `x` (single precision, or whole numbers such as
token ids), the target `label` (a class) or `target` (a number); other columns keep their names, for
`forget: {where: …}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from neurosieve.artifacts.dataset import ColumnInfo, Dataset, DatasetInfo
from neurosieve.datasets.own.labels import Order, Target, target_of, text_of
from neurosieve.datasets.own.preprocess import Step, applied
from neurosieve.datasets.own.splits import NAMES, Splits, drawn, told
from neurosieve.errors import UserError

RESERVED = ("sample_id", "x", "label", "target", "source_ids")
"""Columns that a dataset has by itself."""


class Own(BaseModel):
    """What all loaders of one's own data have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    classes: Order = Field("text")
    """Names of the classes in the order of the network's outputs; or how names are ordered: as text, as numbers."""
    regression: bool = False
    """The target is a number to be predicted, not a class."""
    splits: Splits = Splits()
    """A column that holds train, validation or test; or shares, drawn by a hash of the row's id (its subject's)."""
    preprocess: tuple[Step, ...] = ()
    """What is done to the inputs, in this order."""
    dtype: str | None = Field(None, pattern="^(float32|int64)$")
    """Type of the inputs: float32, or int64 for token ids; left out: as the file says, bytes as float32."""
    name: str = "own data"
    """What the data are called."""
    licence: str = "your own"
    """Licence of the data."""

    @field_validator("classes", mode="before")
    @classmethod
    def _as_text(cls, classes: object) -> object:
        return tuple(text_of(one) for one in classes) if isinstance(classes, list | tuple) else classes

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: Order) -> Order:
        if isinstance(classes, tuple) and len(set(classes)) < max(2, len(classes)):
            raise ValueError("two classes or more, each once")
        return classes


@dataclass
class Found:
    """What a loader found. `where` begins every error; `axes` names the entries of flat inputs, for errors.

    `ids` [rows] are texts, None: rows are numbered. `target` [rows] are a column's values, `target_name` its name.
    `others` are columns kept as they are, by name; `subject` and `split` name columns that lie among them.
    """

    where: str
    source: str
    x: np.ndarray
    ids: np.ndarray | None = None
    target: np.ndarray | None = None
    target_name: str = ""
    others: dict[str, np.ndarray] = field(default_factory=dict)
    subject: str | None = None
    split: str | None = None
    axes: tuple[str, ...] = ()
    notes: str = ""


def dataset(found: Found, params: Own) -> Dataset:
    """The dataset. Raises UserError, with row and column, for what cannot be used."""
    if not len(found.x):
        raise UserError(f"{found.where} has no rows")
    ids = _ids(found)
    x = _typed(found, params)
    goal = None
    if found.target is not None:
        goal = target_of(found.target, params.classes, params.regression, f"{found.where}: '{found.target_name}'")
    beside = {**_goal(found, goal), **_others(found)}
    part = _parts(found, params, ids)
    x, steps = applied(x, params.preprocess, part == 0, found.where)
    columns = {"sample_id": ids, "x": x, **beside}
    names = [name for at, name in enumerate(NAMES) if (part == at).any()]
    splits = {name: {c: v[part == NAMES.index(name)] for c, v in columns.items()} for name in names}
    info = DatasetInfo(
        name=params.name,
        origin="real",
        source=found.source,
        licence=params.licence,
        inputs="x",
        target=None if goal is None else "label" if goal.classes else "target",
        class_names=goal.classes if goal else (),
        columns={name: ColumnInfo(meaning=_meaning(name, found)) for name in columns},
        notes=_notes(found, steps),
        subject=found.subject,
        fitted=("train",) if any(step.fit for step in params.preprocess) else (),
    )
    return Dataset.from_arrays(info, splits)


def row_of(row: int) -> str:
    """`row 17`, counted from 1; errors end in logs and pages, so they name no id."""
    return f"row {row + 1}"


def _ids(found: Found) -> np.ndarray:
    if found.ids is None:
        return np.array([f"row{number:07d}" for number in range(len(found.x))])
    ids = found.ids.astype(str)
    if (empty := np.flatnonzero(ids == "")).size:
        raise UserError(f"{found.where}: the id is empty in row {empty[0] + 1}")
    different, first, counts = np.unique(ids, return_index=True, return_counts=True)
    if (counts > 1).any():
        again = different[counts > 1][np.argmin(first[counts > 1])]
        rows = np.flatnonzero(ids == again)[:2] + 1
        raise UserError(
            f"{found.where}: rows {rows[0]} and {rows[1]} have the same id; an id names one row (whose many rows are is"
            " their `subject`)"
        )
    return ids


def _typed(found: Found, params: Own) -> np.ndarray:
    """Inputs as float32 or int64. Raises UserError for an entry that is not finite, or not whole where it must be."""
    x = found.x
    if x.dtype.kind not in "fiub":
        raise UserError(f"{found.where}: inputs are {x.dtype}, not numbers")
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        row, *place = (int(at) for at in np.argwhere(~np.isfinite(x))[0])
        name = found.axes[place[0]] if found.axes and len(place) == 1 else f"inputs at {place}"
        raise UserError(f"{found.where}: {name} is {x[(row, *place)]} in {row_of(row)}; fill it in or take the row out")
    whole = params.dtype == "int64" or (params.dtype is None and x.dtype.kind == "i" and not params.preprocess)
    if whole and x.dtype.kind == "f" and not np.array_equal(x, np.round(x)):
        raise UserError(f"{found.where}: dtype: int64, but the inputs are no whole numbers")
    return x.astype(np.int64 if whole else np.float32)


def _parts(found: Found, params: Own, ids: np.ndarray) -> np.ndarray:
    """Number of each row's split [rows]."""
    if found.split is not None:
        return told(found.others[found.split].astype(str).tolist(), f"{found.where}: '{found.split}'")
    owners = ids if found.subject is None else found.others[found.subject]
    return drawn(owners.astype(str).tolist(), params.splits, found.where)


def _goal(found: Found, goal: Target | None) -> dict[str, np.ndarray]:
    """The target, and beside it the user's own column under its own name."""
    if goal is None or found.target is None:
        return {}
    own = found.target_name if found.target_name not in RESERVED else "class"
    said = found.target
    if goal.classes and said.dtype.kind not in "iu":
        said = np.array(goal.classes)[goal.values]
    return {"label" if goal.classes else "target": goal.values, own: said}


def _others(found: Found) -> Mapping[str, np.ndarray]:
    """Columns kept under their names. Raises UserError where a dataset has one of that name by itself."""
    own = {*RESERVED, *([found.target_name] if found.target_name else [])}
    for name, values in found.others.items():
        if name in own:
            raise UserError(f"{found.where}: a column kept beside the inputs cannot be called '{name}'; rename it")
        if name == found.subject and (empty := np.flatnonzero(np.isin(values.astype(str), ["", "nan"]))).size:
            raise UserError(f"{found.where}: the subject '{name}' is empty in row {empty[0] + 1}")
    return found.others


def _meaning(name: str, found: Found) -> str:
    words = {
        "sample_id": "row",
        "x": "inputs" + (f": {', '.join(found.axes)}" if 0 < len(found.axes) <= 40 else ""),
        "label": f"class, by number: {found.target_name}",
        "target": f"number to be predicted: {found.target_name}",
    }
    return words.get(name, name + (" (whose the row is)" if name == found.subject else ""))


def _notes(found: Found, steps: tuple[Step, ...]) -> str:
    """What was done to the inputs, with fitted constants: whoever deploys the network has to do it too."""
    done = [step.model_dump(exclude_none=True) for step in steps]
    return " ".join([*([found.notes] if found.notes else []), f"preprocess: {json.dumps(done)}"])
