"""Certificates as the index lists them: the latest first, refusals and changed ones too."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.requests.certified import file, issued, study

from neurosieve.views.site.certificates import certificates, copy_pages


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two certificates; the first one's file was changed since."""
    root = tmp_path_factory.mktemp("listed") / "p"
    for found in (0.5, 0.875):
        issued(root, study(found))
    path = file(root, 1)
    path.write_bytes(path.read_bytes() + b" ")
    return root / "results"


def test_the_latest_first_and_what_each_says(results: Path) -> None:
    refused, changed = certificates(results)
    assert (refused.title, refused.study, refused.rows) == ("No. 2: tiny, request R-1", "tiny", 10)
    assert (refused.passed, refused.tests) == (0, 4)
    assert (refused.verdict, refused.says, refused.remark) == ("fails", "Refused", "")
    assert (changed.title, changed.verdict, changed.file, changed.rows) == ("0001-tiny-R-1", "undecided", "", None)
    assert "was changed" in changed.remark


def test_pages_are_copied_by_the_name_that_is_linked(results: Path, tmp_path: Path) -> None:
    copy_pages(results, tmp_path)
    assert sorted(path.name for path in (tmp_path / "certificates").iterdir()) == [
        "0001-tiny-R-1.html", "0002-tiny-R-1.html",
    ]  # fmt: skip
    assert certificates(results)[0].file == "0002-tiny-R-1.html"


def test_none_is_nothing(tmp_path: Path) -> None:
    assert certificates(tmp_path) == ()
    copy_pages(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
