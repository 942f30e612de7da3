"""What of a user's own enters a key by content, never by path or time: files, folders of files, and code.

A raw file enters by its content, a raw folder by the names and contents of the files in it (hidden ones apart), code
(`package.module:name`) by its syntax tree and those of the user's own modules that it imports.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel

Kind = Literal["file", "folder", "code"]


class _Mark:
    """Marks a parameter that names something of the user's: a path relative to the project's folder, or code."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind


RawFile = Annotated[str, _Mark("file")]
RawFolder = Annotated[str, _Mark("folder")]
OwnCode = Annotated[str, _Mark("code")]


def raw_fields(cls: type[BaseModel]) -> list[str]:
    """Names of the fields annotated `RawFile` or `RawFolder` (or `... | None`)."""
    return [*fields(cls, "file"), *fields(cls, "folder")]


def fields(cls: type[BaseModel], kind: Kind) -> list[str]:
    """Names of the fields that name something of this kind."""
    return [
        name
        for name, info in cls.model_fields.items()
        if any(isinstance(mark, _Mark) and mark.kind == kind for mark in [*info.metadata, *_nested(info.annotation)])
    ]


def _nested(annotation: object) -> list[object]:
    return [mark for argument in get_args(annotation) for mark in getattr(argument, "__metadata__", ())]
