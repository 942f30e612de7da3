"""Parameters that name raw files."""

from pydantic import BaseModel, Field

from neurosieve.artifacts.raw import RawFile, raw_fields


class Params(BaseModel):
    first: RawFile
    second: RawFile | None = None
    third: str = "plain"
    fourth: RawFile = Field("x", min_length=1)
    fifth: list[str] = []


def test_fields_annotated_as_raw_files() -> None:
    assert raw_fields(Params) == ["first", "second", "fourth"]
