"""The log of a training or an intervention: rows, CPU seconds, checkpoints."""

import time

from neurosieve.artifacts.log import Log
from neurosieve.artifacts.model import Model


def test_rows_in_order_and_seconds_added_up() -> None:
    log = Log()
    log.step(epoch=1, loss=0.5)
    log.step(epoch=2)
    log.timing("train_seconds", 1.0)
    log.timing("train_seconds", 0.25)
    assert log.history == [{"epoch": 1, "loss": 0.5}, {"epoch": 2}]
    assert log.timings == {"train_seconds": 1.25}


def test_timed_counts_cpu_not_waiting() -> None:
    log = Log()
    with log.timed("waiting"):
        time.sleep(0.05)
    with log.timed("working"):
        until = time.process_time() + 0.02
        while time.process_time() < until:
            pass
    assert log.timings["waiting"] < log.timings["working"]


def test_checkpoints_go_where_they_are_kept() -> None:
    kept: list[tuple[str, Model]] = []
    model = Model(None, "tests", {}, {})
    Log(save_checkpoint=lambda *args: kept.append(args)).checkpoint("e4", model)
    Log().checkpoint("e4", model)
    assert kept == [("e4", model)]
