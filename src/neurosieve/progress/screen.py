"""A stream with at most one live line at its end, rewritten in place where the stream is a terminal."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from typing import TextIO

RED, YELLOW, PLAIN, CLEAR = "\x1b[31m", "\x1b[33m", "\x1b[0m", "\r\x1b[K"
COLORS = {"failed:": RED, "error:": RED, "warning:": YELLOW}


def cells(text: str) -> int:
    """Width of a text on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char) for char in text)


def clip(text: str, width: int) -> str:
    """The beginning of a text that fits in `width` cells, with an ellipsis where something was cut."""
    if cells(text) <= width:
        return text
    while text and cells(text) >= width:
        text = text[:-1]
    return text + "…" if width > 0 else ""


class Screen:
    """Writes lines, and one live line below them. A stream that is gone is no error."""

    def __init__(self, stream: TextIO, color: bool = True, width: Callable[[], int] | None = None) -> None:
        self.stream = stream
        terminal = bool(getattr(stream, "isatty", lambda: False)())
        self.live_possible = terminal and os.environ.get("TERM") != "dumb"
        self.color = self.live_possible and color and not os.environ.get("NO_COLOR")
        self.width = width or self._width
        self.shown = ""

    def line(self, text: str) -> None:
        """A line that stays, above the live line."""
        live = self.shown
        kind, gap, rest = text.partition(" ")
        if self.color and kind in COLORS:
            text = f"{COLORS[kind]}{kind}{PLAIN}{gap}{rest}"
        self._write((CLEAR if live else "") + text + "\n" + live)

    def live(self, line: Callable[[int], str]) -> None:
        """Show what `line` gives for the width there is, in place of the live line shown before."""
        room = max(1, self.width() - 1)  # in the last column some terminals wrap
        text = clip(line(room), room)
        if text != self.shown:
            self._write(CLEAR + text)
            self.shown = text

    def erase(self) -> None:
        if self.shown:
            self._write(CLEAR)
            self.shown = ""

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or 80
        except (OSError, ValueError):
            return 80

    def _write(self, text: str) -> None:
        try:
            try:
                self.stream.write(text)
            except UnicodeEncodeError:  # stdout in an old locale
                self.stream.write(text.encode("ascii", "replace").decode())
            self.stream.flush()
        except (OSError, ValueError):
            self.live_possible = False
