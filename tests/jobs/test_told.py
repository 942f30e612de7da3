"""Progress in a job's log: first row at once, then one a second, the last at the end."""

from __future__ import annotations

import pytest

from neurosieve.artifacts.log import Log
from neurosieve.errors import STEP
from neurosieve.jobs.told import Told
from neurosieve.progress.words import last_line


def test_rows_come_at_a_pace_and_the_last_is_not_lost() -> None:
    lines: list[str] = []
    clock = [0.0]
    told = Told(lines.append, lambda: clock[0])
    log = Log(say=told)
    for epoch in range(1, 8):
        log.step(epoch=epoch, loss=1 / epoch)
        clock[0] += 0.4
    told.rest()
    told.rest()
    assert lines == [
        "· 0 s: epoch 1, loss 1",
        "· 1 s: epoch 4, loss 0.25",
        "· 2 s: epoch 7, loss 0.1429",
    ]
    assert len(log.history) == 7


def test_lines_are_there_while_the_job_works(capfd: pytest.CaptureFixture[str]) -> None:
    Told()({"layer": "fc.weight", "kept": 3})
    assert capfd.readouterr().out == f"{STEP}0 s: layer fc.weight, kept 3\n"


def test_progress_is_not_what_a_job_died_of(tmp_path) -> None:
    path = tmp_path / "log"
    path.write_text("RuntimeError: no luck\n· 3 s: epoch 1\n")
    assert last_line((str(path),)) == "RuntimeError: no luck"
    path.write_text("· 3 s: epoch 1\n")
    assert last_line((str(path),)) == ""
