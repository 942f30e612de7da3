"""kill -9 at random moments, again and again: then the same command completes, with an undisturbed run's results."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from neurosieve.artifacts.store import read_provenance
from tests.pipeline.sandbox import Sandbox
from tests.pipeline.watch import Run, assert_alone, assert_whole, end_all, processes, until

pytestmark = pytest.mark.pipeline
SEED = int(os.environ.get("FAULTS_SEED", "1"))
VICTIMS = ("job", "warm start", "snakemake", "everything")
LONG = pytest.mark.faults


@pytest.fixture
def box(fresh: Sandbox) -> Iterator[Sandbox]:
    yield fresh
    end_all()
    for server in servers(fresh):
        server.kill()


def servers(box: Sandbox) -> list[psutil.Process]:
    """The warm start's server of this project, and its workers, which look like it."""
    mark, found = str(box.root / "src" / "neurosieve" / "warm" / "server.py"), []
    for process in psutil.process_iter():
        try:
            if mark in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def victims(box: Sandbox, run: Run, what: str, draw: random.Random) -> list[int]:
    """Processes to kill now; none where there is no such process at this moment."""
    inside = {process.pid for process in processes(box)}
    serving = [process.pid for process in servers(box) if process.pid not in inside]
    if what == "snakemake":
        return [run.process.pid]
    if what == "everything":
        return [*inside, *serving]
    jobs = sorted(inside - {run.process.pid})
    return serving if what == "warm start" else [draw.choice(jobs)] if jobs else []


def disturbed(box: Sandbox, what: str, draw: random.Random, most: int) -> int:
    """One run of Snakemake in which the victim is killed up to so many times, each after some more nodes are done."""
    run, kills, known = Run.start(box, "snakemake"), 0, len(box.nodes())
    scratch, wait = box.root / "results" / ".work", draw.randrange(6)

    def now() -> bool:
        ended = run.process.poll() is not None
        return ended or (len(box.nodes()) >= known + wait and any(scratch.glob("job-*")))

    while kills < most:
        until(now, "the next moment")
        time.sleep(draw.uniform(0, 0.2))
        if run.process.poll() is not None:
            break
        targets = victims(box, run, what, draw)
        for process in targets:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        kills += bool(targets)
        known, wait = len(box.nodes()), draw.randrange(6)
        if what in ("snakemake", "everything") and targets:
            break
    ran = run.end()
    assert "Traceback" not in ran.output, ran.output
    return kills


def contents(box: Sandbox) -> dict[str, dict[str, str]]:
    """Content hash of every file of every node, without what only says how long it took."""
    return {name: read_provenance(folder)["files"] for name, folder in box.nodes().items()}


@pytest.mark.parametrize(
    ("whom", "times"),
    [(VICTIMS, 4), *(pytest.param((victim,), 20, marks=LONG, id=victim) for victim in VICTIMS)],
)
def test_killed_at_random_moments(box: Sandbox, finished: Sandbox, whom: tuple[str, ...], times: int) -> None:
    print(f"FAULTS_SEED={SEED}")
    draw, kills, wanted = random.Random(f"{SEED} {whom}"), 0, contents(finished)
    for attempt in range(10 * times):
        if kills >= times:
            break
        kills += disturbed(box, whom[attempt % len(whom)], draw, 1 if times < 10 else min(4, times - kills))
        assert_whole(box)
        if len(box.nodes()) == len(wanted):
            for folder in box.nodes().values():
                if draw.random() < 0.5:
                    shutil.rmtree(folder)
    assert kills >= times, "the runs were over before anything could be killed"
    assert_alone(box)
    ran = Run.start(box, "snakemake").end()
    assert ran.code == 0, ran.output
    assert contents(box) == wanted
    assert box.todo() == set()
    assert_whole(box)
    assert_alone(box)


@pytest.mark.parametrize("rounds", [1, pytest.param(8, marks=LONG)])
def test_two_runs_started_at_once(box: Sandbox, finished: Sandbox, rounds: int) -> None:
    """One works, the other refuses in one line, or comes after it and finds nothing to do."""
    draw = random.Random(SEED)
    for _ in range(rounds):
        runs = [Run.start(box, "snakemake") for _ in range(2)]
        ended = [run.end() for run in runs]
        assert 0 in {ran.code for ran in ended}, ended
        for ran in (ran for ran in ended if ran.code):
            lines = [line for line in ran.output.splitlines() if "error" in line]
            assert len(lines) == 1, ran.output
            assert "another run (process" in lines[0]
        assert contents(box) == contents(finished)
        for folder in box.nodes().values():
            if draw.random() < 0.3:
                shutil.rmtree(folder)
