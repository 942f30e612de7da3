"""Following a job's log: what is added to it, a log begun anew, and the end of the job, however it came."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests import toys

from neurosieve.errors import UserError
from neurosieve.plan.project import Project
from neurosieve.views.follow import follow


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return toys.project(tmp_path / "p", {"tiny": toys.study()})


class Job:
    """A job of drop/11 as its files show it."""

    def __init__(self, project: Project) -> None:
        self.store, self.node = project.store, project.plan("tiny").address("drop/11")
        self.log = self.store.log(self.node.folder)
        self.log.parent.mkdir(parents=True)
        self.scratch: Path | None = None

    def start(self, pid: int | None = None) -> None:
        self.scratch = self.store.scratch(self.node.folder.replace("/", "-"))
        if pid is not None:
            self.scratch = self.scratch.rename(str(self.scratch).replace(f"-{os.getpid()}-", f"-{pid}-"))

    def write(self, text: str, mode: str = "a") -> None:
        with self.log.open(mode) as file:
            file.write(text)

    def end(self) -> None:
        assert self.scratch is not None
        self.scratch.rmdir()


def steps(*actions: Callable[[], object]) -> Callable[[float], None]:
    """Instead of sleeping: one action after the other, then nothing."""
    left = list(actions)
    return lambda _: (left.pop(0)() if left else None, None)[1]


def test_what_is_added_until_the_job_ends(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(project)
    pause = steps(
        job.start,
        lambda: job.write("· 0 s: epoch 1\nhalf a"),
        lambda: job.write(" line\n"),
        lambda: job.write("anew\n", "w"),
        job.end,
        lambda: job.write("the last word\n"),
    )
    assert list(follow(project, "tiny/drop/11", pause)) == [
        "· 0 s: epoch 1\n",
        "half a line\n",
        "anew\n",
        "the last word\n",
    ]
    assert capsys.readouterr().err.startswith("waiting for the job of tiny/drop/11 (")


def test_a_failed_job_of_before_is_told_and_not_waited_for(project: Project) -> None:
    job = Job(project)
    job.write("RuntimeError: no luck\n")
    job.store.failure(job.node.key).write("RuntimeError: no luck")
    assert list(follow(project, "tiny/drop/11", steps())) == ["RuntimeError: no luck\n"]


def test_a_killed_job_is_said_to_be_killed(project: Project) -> None:
    job = Job(project)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    job.start(ended.pid)
    job.write("· 0 s: epoch 1\n")
    first, last = follow(project, "tiny/drop/11", steps())
    assert first == "· 0 s: epoch 1\n"
    assert last.startswith("neurosieve: error: its process was killed")


def test_unknown_nodes_are_said(project: Project) -> None:
    with pytest.raises(UserError, match="no node 'tiny/none/11'"):
        next(follow(project, "tiny/none/11"))
