"""Clocks that jump and file times that mean nothing: results are named by content, so neither changes anything."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.sandbox import Sandbox
from tests.pipeline.watch import (
    assert_alone,
    assert_goes_on,
    assert_whole,
    end_all,
    gated,
    in_mid_job,
    open_gate,
    stamps,
)

pytestmark = pytest.mark.pipeline
DAY = 86400.0


@pytest.fixture
def box(fresh: Sandbox) -> Iterator[Sandbox]:
    fresh.configure({"tiny": gated()})
    yield fresh
    end_all()


STAGES = ("prepare", "train", "intervene", "export", "evaluate", "verdict")


def everything(box: Sandbox) -> list[Path]:
    """All that lies in results/, what a stage read before what it wrote."""
    paths = [path for path in (box.root / "results").rglob("*") if not path.is_symlink()]
    return sorted(paths, key=lambda path: max((STAGES.index(part) for part in path.parts if part in STAGES), default=0))


@pytest.mark.parametrize("jump", [2 * DAY, -2 * DAY], ids=["back", "forward"])
def test_the_clock_jumps_while_jobs_run(box: Sandbox, jump: float) -> None:
    """What was written before lies in the future, or two days back: also the folder in which a job is writing."""
    run, _ = in_mid_job(box)
    then = time.time() + jump
    # Snakemake may just be comparing the times of a job that has ended: at no moment is an output older than its input
    for path in everything(box)[:: -1 if jump > 0 else 1]:
        os.utime(path, (then, then))
    open_gate(box)
    ran = run.end()
    assert ran.code == 0, ran.output
    assert box.todo() == set()
    assert_whole(box)
    assert_alone(box)


def test_shuffled_times_and_a_killed_run(box: Sandbox) -> None:
    run, _ = in_mid_job(box)
    run.kill()
    draw = random.Random(3)
    for path in everything(box):
        moment = draw.randint(1, 2**32)  # 1970 to 2106
        os.utime(path, (moment, moment))
    before = {name: inode for name, (inode, _) in stamps(box).items()}
    open_gate(box)
    assert_goes_on(box, {})
    after = {name: inode for name, (inode, _) in stamps(box).items()}
    assert before.items() <= after.items(), "no finished node was computed again"
