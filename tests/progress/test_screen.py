"""Clipping, colors, and streams that take less than they should."""

import io

import pytest

from neurosieve.progress.screen import Screen, clip


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _an_ordinary_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_wide_letter_takes_two_cells_when_clipped():
    assert clip("日本語", 6) == "日本語"
    assert clip("日本語", 5) == "日本…"
    assert clip("abc", 2) == "a…"
    assert clip("abc", 0) == ""


def test_colors_only_on_a_terminal_that_wants_them(monkeypatch):
    def written(stream):
        Screen(stream).line("failed: x")
        return stream.getvalue()

    assert written(Terminal()) == "\x1b[31mfailed:\x1b[0m x\n"
    assert written(io.StringIO()) == "failed: x\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert written(Terminal()) == "failed: x\n"


def test_a_stream_that_is_gone_or_knows_only_ascii_is_no_error():
    closed = Terminal()
    screen = Screen(closed)
    closed.close()
    screen.live(lambda width: "x")
    assert not screen.live_possible
    raw = io.BytesIO()
    Screen(io.TextIOWrapper(raw, encoding="ascii")).line("1 of 2 · x")
    assert raw.getvalue() == b"1 of 2 ? x\n"
