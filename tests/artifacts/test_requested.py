"""Requests: lists of ids as text, and the rows they name; errors name lines, never ids."""

from pathlib import Path

import pytest
from tests.owned import owned

from neurosieve.artifacts.requested import Asked, names_in, read_asked, refuse_unmatched, rows_named
from neurosieve.errors import UserError


def read(folder: Path, text: str, encoding: str = "utf-8") -> Asked:
    file = folder / "R-7.csv"
    file.write_bytes(text.encode(encoding))
    return read_asked(file, "data/requests/R-7.csv")


@pytest.mark.parametrize(
    "text",
    [
        "sample_id\n0012\n0087\n",
        "0012\n0087",
        "sample_id,why\n0012,asked\n0087,\n",
        "n,sample_id\r\n1,0012\r\n2,0087\r\n",
        ' "0012" \n\n0087 \n',
    ],
)
def test_ids_are_text_in_their_order(tmp_path: Path, text: str) -> None:
    asked = read(tmp_path, text)
    assert (asked.match, asked.ids, asked.reference) == ("sample_id", ("0012", "0087"), "R-7")
    assert [text.splitlines()[line - 1].find(one) >= 0 for line, one in zip(asked.lines, asked.ids, strict=True)] == [
        True,
        True,
    ]


def test_byte_order_mark_quotes_and_subjects(tmp_path: Path) -> None:
    assert read(tmp_path, 'sample_id\n"a,b"\n', "utf-8-sig").ids == ("a,b",)
    assert read(tmp_path, "87\n").ids == ("87",)
    asked = read(tmp_path, "subject\nann\nBob Ü\n")
    assert (asked.match, asked.ids, asked.lines) == ("subject", ("ann", "Bob Ü"), (2, 3))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0087\n0012\n0087\n", "line 3 repeats the id of line 1; list each once"),
        ("", "the list of ids is empty"),
        ("sample_id\n", "the list of ids is empty"),
        ("id\n0087\n", "line 1, 'id', reads like a header: call the column sample_id or subject"),
        ("a,b\nc,d\n", "several columns but none is called sample_id or subject"),
        ("sample_id,subject\n1,ann\n", "keep the one that the request is about"),
        ("sample_id,why\n0087,x\n,y\n", "line 3 has no id"),
        ("sample_id,why\n0087,x\n\nz\n0087\n", "line 5 repeats the id of line 2"),
    ],
)
def test_bad_lists(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=f"^data/requests/R-7.csv: .*{message}") as caught:
        read(tmp_path, text)
    assert "0087" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none.csv: cannot be read as CSV \(No such file"):
        read_asked(tmp_path / "none.csv")
    with pytest.raises(UserError, match=r"cannot be read as CSV \(it is not UTF-8 text"):
        read(tmp_path, "sample_id\nMüller\n", "latin-1")


def test_rows_of_ids_people_and_sources() -> None:
    dataset = owned()
    rows = rows_named(dataset, "subject", {"ann", "nobody"})
    assert {name: found.tolist() for name, found in rows.items()} == {"train": [0, 3], "test": [1]}
    assert names_in(dataset, "subject") == {"ann", "bob", "cy", "dee"}
    made_of = owned(sources=[["x", "y"], ["y"], [], ["z"], ["x"], ["w", "x"]])
    assert rows_named(made_of, "sample_id", ["x"])["train"].tolist() == [0, 4, 5]
    assert rows_named(made_of, "sample_id", ["0087"]) == {}, "its own id is not what the row was made of"
    assert names_in(made_of, "sample_id") == set("wxyz") | {"v0", "v1", "t0", "t1"}
    assert rows_named(made_of, "subject", ["ann"])["train"].tolist() == [0, 3]


LISTED = "0087\n1\n2\n0012\n3\n4\n"


@pytest.mark.parametrize(
    ("text", "lines", "ids"),
    [
        (LISTED, "4 of 6 ids not in the data: lines 2, 3, 5, …", "4 of 6 ids not in the data: 1, 2, 3, …"),
        ("sample_id\n087\n", "1 of 1 ids not in the data: line 2", "1 of 1 ids not in the data: 087"),
        ("t0\nv1\n", "2 of 2 ids are rows of split 'test' and 'validation', not training rows", None),
        ("0087\n87\n0012\n12\n0003\n'a'\n", "1 of 6 ids not in the data: line 6", None),
        ("subject\nann\nbob\ncy\n", "it names all 6 training rows of owned; none would be retained", None),
    ],
)
def test_requests_that_a_dataset_cannot_meet(tmp_path: Path, text: str, lines: str, ids: str | None) -> None:
    asked = read(tmp_path, text)
    for say_ids, message in ((False, lines), (True, ids or lines.split(": line")[0])):
        with pytest.raises(UserError, match=message.replace("'", ".")):
            refuse_unmatched(asked, owned(), say_ids=say_ids)


def test_a_request_that_can_be_met(tmp_path: Path) -> None:
    refuse_unmatched(read(tmp_path, "0087\nt0\n"), owned())
    with pytest.raises(UserError, match="dataset owned declares no `subject` column"):
        refuse_unmatched(read(tmp_path, "subject\nann\n"), owned(subject=None))
