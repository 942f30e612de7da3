"""Being told to end: at once where nothing can be kept, after the next step where something can."""

import os
import signal
import threading
import time

import pytest

from neurosieve.artifacts import ending
from neurosieve.artifacts.ending import ENDING, Ended


def tell(then: float = 0) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(then)


def watch_and_tell() -> None:
    ENDING.watch()
    tell(then=5)


def test_at_once_where_nothing_can_be_kept() -> None:
    with pytest.raises(Ended) as ended, ENDING.heeded():
        tell(then=5)
    assert ended.value.message.endswith("run the same command again")
    assert not ENDING.asked


def test_asked_where_a_computation_watches() -> None:
    with ENDING.heeded():
        ENDING.watch()
        tell()
        tell()
        assert ENDING.asked
    assert not ENDING.asked
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_step_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "PATIENCE", 0.05)
    with pytest.raises(Ended), ENDING.heeded():
        watch_and_tell()


def test_another_thread_heeds_nothing() -> None:
    before, seen = signal.getsignal(signal.SIGTERM), []

    def run() -> None:
        with ENDING.heeded():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [before]
