"""What a network is to say of a row: the number of a class, or a number (regression)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from neurosieve.errors import UserError

Order = tuple[str, ...] | Literal["text", "numeric"]
FEW = 20
"""Different whole numbers, stored as floats, up to which they may be classes."""


@dataclass(frozen=True)
class Target:
    """Values [rows] (int64 classes, float32 numbers), and the classes' names in order; none for numbers."""

    values: np.ndarray
    classes: tuple[str, ...]


def text_of(value: Any) -> str:
    """A value of a column as the name of a class: `3` for 3 and 3.0, `true` for True."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def numbers(texts: np.ndarray) -> np.ndarray:
    """Texts [rows] as whole numbers or numbers where all are; `007` and `+1` are no numbers but names."""
    for kind in (int, float):
        try:
            found = [kind(text) for text in texts.tolist()]
        except ValueError:
            continue
        if kind is int and any(str(n) != text for n, text in zip(found, texts.tolist(), strict=True)):
            return texts
        return np.array(found, np.int64 if kind is int else np.float64)
    return texts


def target_of(values: np.ndarray, classes: Order, regression: bool, where: str) -> Target:
    """The target from a column's values [rows]. `where` says which column of which file, for errors.

    Numbers with a point are a regression target unless classes are listed; whole numbers from 0 are classes as they
    are; anything else is a class by name, in the order that `classes` gives. Raises UserError for a value that is
    missing or not among the classes, and where it is not clear what is meant.
    """
    listed = isinstance(classes, tuple)
    if regression:
        return Target(_numbers(values, where), ())
    if values.dtype.kind == "f" and not listed:
        _refuse_disguised(values, where)
        return Target(_numbers(values, where), ())
    if values.dtype.kind in "iu" and not listed:
        return _counted(values.astype(np.int64), where)
    names = np.array([text_of(value) for value in values.tolist()])
    if (absent := np.flatnonzero(np.isin(names, ["", "nan", "None"]))).size and not listed:
        raise UserError(f"{where} is empty in row {absent[0] + 1}; fill it in or take the row out")
    order = classes if isinstance(classes, tuple) else _ordered(names, classes, where)
    place = {name: number for number, name in enumerate(order)}
    for row, name in enumerate(names.tolist()):
        if name not in place:
            raise UserError(f"{where} is '{name}' in row {row + 1}, not one of classes: {', '.join(order)}")
    return Target(np.array([place[name] for name in names.tolist()], np.int64), tuple(order))


def _numbers(values: np.ndarray, where: str) -> np.ndarray:
    try:
        found = values.astype(np.float32)
    except ValueError:
        raise UserError(f"{where} is not a number in every row, so nothing can be regressed on it") from None
    if (bad := np.flatnonzero(~np.isfinite(found))).size:
        raise UserError(f"{where} is {values[bad[0]]} in row {bad[0] + 1}; fill it in or take the row out")
    return found


def _refuse_disguised(values: np.ndarray, where: str) -> None:
    """Whole numbers as floats, few of them, are classes as often as not."""
    known = values[np.isfinite(values)]
    different = np.unique(known)
    if len(different) <= FEW and np.all(different == np.round(different)):
        shown = ", ".join(map(text_of, different[:4].tolist()))
        raise UserError(
            f"{where} holds whole numbers with a point ({shown}, …): say `regression: true`, or list `classes:` if"
            " these are classes"
        )


def _counted(values: np.ndarray, where: str) -> Target:
    """Whole numbers that are the classes' numbers."""
    least, most, different = int(values.min()), int(values.max()), len(np.unique(values))
    if least != 0:
        raise UserError(f"{where} runs from {least} to {most}, classes are numbered from 0: list them under `classes:`")
    if different > max(FEW, len(values) // 2):
        raise UserError(
            f"{where} holds {different} different whole numbers in {len(values)} rows: say `regression: true`, or list"
            " `classes:` if these are classes"
        )
    return Target(values, tuple(str(number) for number in range(most + 1)))


def _ordered(names: np.ndarray, order: str, where: str) -> tuple[str, ...]:
    different = sorted(set(names.tolist()))
    if order == "text":
        return tuple(different)
    try:
        return tuple(sorted(different, key=float))
    except ValueError:
        raise UserError(f"{where}: classes: numeric, but not every name is a number: {', '.join(different)}") from None
