"""Parameters that name raw files."""

from pydantic import BaseModel, Field

from neurosieve.artifacts.raw import OwnCode, RawFile, RawFolder, fields, raw_fields


class Params(BaseModel):
    first: RawFile
    second: RawFile | None = None
    third: str = "plain"
    fourth: RawFile = Field("x", min_length=1)
    fifth: list[str] = []
    sixth: RawFolder | None = None
    seventh: OwnCode = "a.b:c"


def test_fields_annotated_as_raw_files() -> None:
    assert raw_fields(Params) == ["first", "second", "fourth", "sixth"]
    assert [fields(Params, kind) for kind in ("folder", "code")] == [["sixth"], ["seventh"]]
