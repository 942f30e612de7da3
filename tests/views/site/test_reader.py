"""The last run is the last stretch of work without a pause, by the nodes' own clock."""

import pytest

from neurosieve.views.site.reader import run_of


def record(started, seconds=1.0, stage="train", cpu=0.5):
    return {"stage": stage, "run": {"started": started, "seconds": seconds, "cpu_seconds": cpu}}


def test_nodes_after_a_pause_are_another_run():
    old = [record("2026-11-23T10:00:00+00:00", 5), record("2026-11-23T10:00:06+00:00", 5)]
    new = [record("2026-11-24T14:00:00+00:00", 60), record("2026-11-24T14:02:30+00:00", 10, "evaluate")]
    run = run_of(old + new)
    assert [run.made(one) for one in old + new] == [False, False, True, True]
    total = run.total(old + new)
    assert (total.wall_seconds, total.from_store, total.date) == (160.0, 2, "2026-11-24")
    counted = {one.stage: (one.nodes, one.cpu_seconds) for one in total.stages}
    assert counted["train"] == (3, 1.5)
    assert counted["evaluate"] == (1, 0.5)


def test_a_long_job_is_no_pause():
    run = run_of([record("2026-11-24T10:00:00+00:00", 7200), record("2026-11-24T12:00:30+00:00")])
    assert run.total([]).wall_seconds == pytest.approx(7231)


@pytest.mark.parametrize("started", [None, "", "yesterday"])
def test_without_a_clock_nothing_is_said_of_the_run(started):
    records = [record(started)]
    run = run_of(records)
    assert run.made(records[0]) is None
    total = run.total(records)
    assert (total.wall_seconds, total.from_store, total.date) == (None, None, "")
