"""Raw input files named by parameters: they enter a key by content, never by path or time."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import BaseModel


class _RawMarker:
    """Marks a parameter that names a file, relative to the project's folder."""


RawFile = Annotated[str, _RawMarker()]


def raw_fields(cls: type[BaseModel]) -> list[str]:
    """Names of the fields annotated `RawFile` (or `RawFile | None`)."""
    return [
        name
        for name, info in cls.model_fields.items()
        if any(isinstance(mark, _RawMarker) for mark in [*info.metadata, *_nested(info.annotation)])
    ]


def _nested(annotation: object) -> list[object]:
    return [mark for argument in get_args(annotation) for mark in getattr(argument, "__metadata__", ())]
