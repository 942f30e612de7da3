"""Axis values as text: one spelling for `1`, `1.0` and `"1"`, and the points `<variant>@axis=value,…`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

Axes = tuple[tuple[str, str], ...]
"""A cell's axes: pairs of axis and canonical value, sorted by axis."""

ALL = "all"
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


@lru_cache(maxsize=65536)
def _canonical(text: str) -> str:
    if _NUMBER.fullmatch(text):
        number = float(text)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return text.lower() if text in ("True", "False") else text


def axis_text(value: object) -> str:
    """The one spelling of an axis value: `1.0`, `1` and `"1"` are `1`; `1e-3` is `0.001`; names stay."""
    return _canonical(str(value).strip())


def natural(text: str) -> tuple[int, float, str]:
    """Sort key of an axis value: numbers by size, before names."""
    return (0, float(text), text) if _NUMBER.fullmatch(text) else (1, 0.0, text)


def natural_axes(axes: Axes) -> tuple[tuple[str, tuple[int, float, str]], ...]:
    """Sort key of a cell."""
    return tuple((axis, natural(value)) for axis, value in axes)


def make_axes(values: Mapping[str, object]) -> Axes:
    """A mapping of axis values as the sorted, canonical tuple that names a cell."""
    return tuple(sorted((axis, axis_text(value)) for axis, value in values.items()))


@lru_cache(maxsize=65536)
def parse_axes(text: str) -> Axes:
    """`a=1,b=x` -> `(("a", "1"), ("b", "x"))`; a piece without `=` belongs to the value before it."""
    pieces: list[str] = []
    for piece in text.split(",") if text else []:
        if "=" in piece or not pieces:
            pieces.append(piece)
        else:
            pieces[-1] += f",{piece}"
    return make_axes({axis: value for axis, _, value in (piece.partition("=") for piece in pieces)})


def parse_point(text: str) -> tuple[str, Axes]:
    """`ssd@alpha=5` -> `("ssd", (("alpha", "5"),))`. A checkpoint, `dense@e4`, stays in the name."""
    name, mark, axes = text.partition("@")
    if mark and "=" not in axes:
        return text, ()
    checkpoint, _, rest = axes.partition("@")
    if rest and "=" not in checkpoint:
        return f"{name}@{checkpoint}", parse_axes(rest)
    return name, parse_axes(axes)


def axes_label(axes: Iterable[tuple[str, str]]) -> str:
    """`(("a", "1"), ("b", "x"))` -> `a=1, b=x`."""
    return ", ".join(f"{axis}={value}" for axis, value in axes)
