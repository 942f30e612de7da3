"""A job that is told to end (SIGTERM: preempted, out of time, stopped) ends after its next step, its state kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 4.0
"""Seconds that a job may take to come to its next step; then it ends where it is. A batch system kills 30 s after
SIGTERM by default, the warm start after 5."""


class Ended(SystemExit):
    """The job was told to end; the exit code is that of a process which SIGTERM ended."""

    def __init__(self, kept: bool) -> None:
        super().__init__(128 + signal.SIGTERM)
        self.kept = kept

    @property
    def message(self) -> str:
        then = "what it has done is kept, and the same command goes on from there"
        return (
            f"told to end (preempted, out of time, or stopped); {then if self.kept else 'run the same command again'}"
        )


class Ending:
    """Whether this process was told to end, and whether a computation runs that can keep its state."""

    def __init__(self) -> None:
        self.asked = self.watched = False

    def watch(self) -> None:
        """From now on somebody asks `asked` after every step."""
        self.watched = True

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Heed SIGTERM inside the block. Raises Ended in the main thread, at once where nothing can be kept."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.asked = self.watched = False
        old = signal.signal(signal.SIGTERM, self._told), signal.signal(signal.SIGALRM, self._late)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in zip((signal.SIGTERM, signal.SIGALRM), old, strict=True):
                signal.signal(number, handler)
            self.asked = self.watched = False

    def _told(self, number: int, frame: FrameType | None) -> None:
        if self.asked:  # a batch system tells every process of a job, and the client tells its worker too
            return
        self.asked = True
        if not self.watched:
            raise Ended(kept=False)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    def _late(self, number: int, frame: FrameType | None) -> None:
        raise Ended(kept=False)


ENDING = Ending()
