"""Certificates on disk: canonical JSON, the form that is checked on reading, the chain and its breaks."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from neurosieve.artifacts.certificates import (
    FILE,
    FORMAT,
    PAGE,
    Certificate,
    alone,
    append,
    breaks,
    canonical,
    chain,
    folder_of,
    folders,
    read_certificate,
    sha256_of_value,
)
from neurosieve.artifacts.store import Store
from neurosieve.errors import UserError

SAMPLE = (
    r'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
    r'"string":"\u20ac$\u000F\u000aA'
    r"'"
    r'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}'
)
"""The example of RFC 8785, section 3.2.2."""
CANONICAL = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)


def write(store: Store, *statements: dict[str, Any]) -> list[Certificate]:
    """Append certificates with these statements."""
    for statement in statements:
        root = folder_of(store.results)
        with alone(root):
            append(store, "tiny-R-1", statement, chain(root), "2026-11-25T12:00:00Z", {}, lambda record, sha: sha)
    return chain(folder_of(store.results))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "results")


def test_canonical_form_is_that_of_the_standard() -> None:
    assert canonical(json.loads(SAMPLE)).decode() == CANONICAL
    assert canonical({"b": 1.0, "a": -0.0}) == b'{"a":0,"b":1}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 2, "\ud800"])
def test_what_json_cannot_hold(value: object) -> None:
    with pytest.raises(UserError, match="a certificate cannot hold this"):
        canonical({"value": value})


def test_a_chain_of_files(store: Store) -> None:
    first, second = write(store, {"n": 1}, {"n": 2})
    assert [one.folder.name for one in (first, second)] == ["0001-tiny-R-1", "0002-tiny-R-1"]
    assert first.record["previous"] is None
    assert second.record["previous"] == hashlib.sha256((first.folder / FILE).read_bytes()).hexdigest() == first.sha256
    assert (second.folder / PAGE).read_text() == second.sha256
    assert list(breaks([first, second])) == []
    assert list(store.work.glob("job-*")) == []


def test_no_folder_is_an_empty_chain(store: Store) -> None:
    assert folders(folder_of(store.results)) == chain(folder_of(store.results)) == []


def test_a_hundred_thousandth_certificate_sorts_behind_the_second(tmp_path: Path) -> None:
    for name in ("100000-a", "0002-b", ".stamps", "notes"):
        (tmp_path / name).mkdir()
    assert [path.name for path in folders(tmp_path)] == ["0002-b", "100000-a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "another 1"}, f"is no certificate of the format '{FORMAT}'"),
        ({"number": "1"}, "its field 'number' is not as it must be"),
        ({"more": 1}, "its field 'more' is not as it must be"),
        ({"statement": {"n": 2}}, "its statement does not have the hash that it names"),
    ],
)
def test_a_changed_file_is_refused(store: Store, change: dict[str, Any], message: str) -> None:
    (one,) = write(store, {"n": 1})
    (one.folder / FILE).write_bytes(canonical({**one.record, **change}))
    with pytest.raises(UserError, match=message) as caught:
        read_certificate(one.folder / FILE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ['{"a": 1}', "{}\n", '{"a":1,"a":2}', "[" * 100_000])
def test_json_that_is_not_canonical_or_none(store: Store, text: str) -> None:
    (one,) = write(store, {"n": 1})
    content = one.content.decode()
    (one.folder / FILE).write_text(text if text[0] == "[" else content.replace('{"n":1}', text.strip()) + text[-1:])
    with pytest.raises(UserError, match=r"is not JSON|not in canonical form|is no certificate"):
        read_certificate(one.folder / FILE)


def test_breaks_are_told_one_by_one(store: Store) -> None:
    first, second, third = write(store, {"n": 1}, {"n": 2}, {"n": 3})
    assert list(breaks([first, third])) == ["0003-tiny-R-1: certificate 2 is missing before it"]
    assert list(breaks([third])) == ["0003-tiny-R-1: certificates from 1 are missing before it"]
    assert list(breaks([first, second, second])) == ["0002-tiny-R-1: there are two certificates 2"]
    other = Certificate(second.folder, canonical({**second.record, "issued": "2026"}), second.record)
    replaced = "0003-tiny-R-1: certificate 2 is not the one that this one was written after; one of them was replaced"
    assert list(breaks([first, other, third])) == [replaced]
    forged = Certificate(first.folder, first.content, {**first.record, "previous": second.sha256})
    assert next(breaks([forged])).startswith("0001-tiny-R-1: the first certificate is not the one")
    moved = Certificate(second.folder, third.content, third.record)
    assert "0002-tiny-R-1: this is certificate 3; it was put in another one's place" in list(breaks([first, moved]))


def test_the_hash_of_a_value_is_that_of_its_canonical_form() -> None:
    assert sha256_of_value(["b", "a"]) == hashlib.sha256(b'["b","a"]').hexdigest()


def test_a_folder_that_cannot_be_written(store: Store) -> None:
    store.results.mkdir()
    folder_of(store.results).write_text("a file")
    with pytest.raises(UserError, match="cannot write"), alone(folder_of(store.results)):
        pass


def test_a_copy_elsewhere_reads_the_same(store: Store, tmp_path: Path) -> None:
    (one,) = write(store, {"n": 1})
    shutil.copytree(one.folder, tmp_path / "mail")
    assert read_certificate(tmp_path / "mail" / FILE).sha256 == one.sha256
